// `portolan export`: reads what is wanted, writes it, and tells how far it is.
import { exportJson, PortolanError, say } from '@portolan/core';
import type { Context, Run } from '../../command.ts';
import { echo } from '../../flags.ts';
import { assetFolder, exportMate, shippedSchema } from '../../pages/shipped.ts';
import { showJson } from '../../show.ts';

export const run: Run = async (context) => {
  const { values, switches, positionals } = context.args;
  const target = targetOf(positionals);
  const { exportFiles, exportPack, makeAssets, makeSite, readAssets, siteAssets, siteLanguages } =
    await import('@portolan/site');
  const languages = readLanguages(values.get('lang'), siteLanguages());
  const scope = oneOf('scope', values.get('scope') ?? 'all', ['all', 'claimed'] as const);
  const format = oneOf('format', values.get('format') ?? 'files', ['files', 'pack'] as const);
  const base = readBase(values.get('base'));
  const feedback = readFeedback(values.get('feedback-url'), format);
  const site = makeSite(await context.facts(true), 'portolan');
  const plan = {
    site,
    assets: new Map([...readAssets(assetFolder(context)), ...makeAssets(siteAssets(site))]),
    languages,
    scope,
    data: switches.has('data'),
    base,
    // The server of a pack has it at its root, wherever the files will be.
    root: base === null || format === 'pack' ? '' : new URL(base).pathname.replace(/\/$/, ''),
    feedback,
    schema: shippedSchema(context),
    version: context.version,
  };
  const stop = new AbortController();
  const onSignal = (): void => stop.abort();
  process.once('SIGINT', onSignal);
  try {
    const started = Date.now();
    const tell = teller(context);
    const result =
      format === 'pack'
        ? await exportPack(target, plan, tell, stop.signal)
        : await exportFiles(target, plan, exportMate(context), tell, stop.signal);
    const seconds = (Date.now() - started) / 1000;
    if (context.json)
      showJson(
        context,
        exportJson({ target, kind: format, ...result, languages, scope, data: plan.data, base }),
      );
    else {
      const { files, written, unchanged, bytes } = result;
      const told = { files, written, unchanged, megabytes: bytes / 1e6, seconds, target };
      context.io.out(`${context.lang.say(say('export.done', told))}\n`);
    }
    return 0;
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    context.io.err(`\n${context.lang.say(say('export.stopped', { target }))}\n`);
    return 130;
  } finally {
    process.off('SIGINT', onSignal);
  }
};

function targetOf([first, second]: readonly string[]): string {
  if (first === undefined) {
    throw new PortolanError('USAGE', 'A folder is missing.', { hint: 'As in: portolan export site' });
  }
  if (second === undefined) return first;
  throw new PortolanError('USAGE', `One folder is taken; “${echo(second)}” is too much.`);
}

/** Tells on standard error how far it is, where somebody sees it. */
function teller({ io, lang }: Context): (now: { done: number; total: number }) => void {
  let last = 0;
  return ({ done, total }) => {
    if (!process.stderr.isTTY || (done < total && Date.now() - last < 200)) return;
    last = Date.now();
    io.err(`\r${lang.say(say('export.progress', { done, total }))}${done === total ? '\n' : ''}`);
  };
}

function readLanguages(raw: string | undefined, known: readonly string[]): string[] {
  if (raw === undefined) return [...known];
  const tags = raw.split(',').map((tag) => tag.trim());
  for (const tag of tags) {
    if (known.includes(tag)) continue;
    throw new PortolanError('USAGE', `There are no pages in “${echo(tag)}”.`, {
      hint: `--lang takes ${known.join(', ')}, several with commas between them.`,
    });
  }
  return [...new Set(tags)];
}

function readBase(raw: string | undefined): string | null {
  if (raw === undefined) return null;
  const url = URL.canParse(raw) ? new URL(raw) : null;
  if (url === null || !/^https?:$/.test(url.protocol) || url.search !== '' || url.hash !== '') {
    throw new PortolanError('USAGE', `“${echo(raw)}” is no address of a site.`, {
      hint: '--base https://ports.example or https://example.org/ports',
    });
  }
  return url.href.replace(/\/+$/, '');
}

/** Where answers go. A server of a pack lets its pages send nothing elsewhere, so that a pack takes none. */
function readFeedback(raw: string | undefined, format: 'files' | 'pack'): string | null {
  if (raw === undefined) return null;
  const url = URL.canParse(raw) ? new URL(raw) : null;
  if (url === null || !/^https?:$/.test(url.protocol) || url.hash !== '') {
    throw new PortolanError('USAGE', `“${echo(raw)}” is no address that answers could be sent to.`, {
      hint: '--feedback-url https://ports.example/useful',
    });
  }
  if (format === 'files') return url.href;
  throw new PortolanError('USAGE', 'Pages of a pack send nothing elsewhere: --feedback-url is for files.');
}

function oneOf<T extends string>(flag: string, word: string, known: readonly T[]): T {
  const found = known.find((entry) => entry === word);
  if (found !== undefined) return found;
  throw new PortolanError('USAGE', `--${flag} takes ${known.join(' or ')}, not “${echo(word)}”.`);
}
