// `portolan export`: reads what is wanted, writes it, and tells how far it is.
import { join } from 'node:path';
import { PortolanError, say } from '@portolan/core';
import type { Context, Run } from '../../command.ts';
import { echo } from '../../flags.ts';
import { showJson } from '../../show.ts';

export const run: Run = async (context) => {
  const { values, switches, positionals } = context.args;
  const target = targetOf(positionals);
  const { exportFiles, exportPack, makeAssets, makeSite, readAssets, siteAssets, siteLanguages } =
    await import('@portolan/site');
  const languages = readLanguages(values.get('languages'), siteLanguages());
  const scope = oneOf('scope', values.get('scope') ?? 'all', ['all', 'claimed'] as const);
  const format = oneOf('format', values.get('format') ?? 'files', ['files', 'pack'] as const);
  const site = makeSite(await context.facts(true), 'portolan');
  const plan = {
    site,
    assets: new Map([
      ...readAssets(join(context.shippedFacts, '..', 'site')),
      ...makeAssets(siteAssets(site)),
    ]),
    languages,
    scope,
    data: switches.has('data'),
    base: readBase(values.get('base')),
  };
  const stop = new AbortController();
  const onSignal = (): void => stop.abort();
  process.once('SIGINT', onSignal);
  try {
    const started = Date.now();
    const make = format === 'files' ? exportFiles : exportPack;
    const result = await make(target, plan, teller(context), stop.signal);
    const seconds = (Date.now() - started) / 1000;
    if (context.json) showJson(context, { format: 'portolan.export/1', target, ...result, languages, scope });
    else {
      const { files, written, unchanged, bytes } = result;
      const values = { files, written, unchanged, megabytes: bytes / 1e6, seconds, target };
      context.io.out(`${context.lang.say(say('export.done', values))}\n`);
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
      hint: `--languages takes ${known.join(', ')}, several with commas between them.`,
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

function oneOf<T extends string>(flag: string, word: string, known: readonly T[]): T {
  const found = known.find((entry) => entry === word);
  if (found !== undefined) return found;
  throw new PortolanError('USAGE', `--${flag} takes ${known.join(' or ')}, not “${echo(word)}”.`);
}
