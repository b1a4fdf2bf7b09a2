// `portolan audit`: gathers fixed ports, judges them by the host and the facts, and tells what was found.
import { existsSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import {
  type AuditDecision,
  auditJson,
  auditPage,
  auditSarif,
  type KnownFinding,
  PortolanError,
  say,
  type Transport,
  wrapText,
} from '@portolan/core';
import { shippedProfiles } from '@portolan/facts';
import { auditBy } from '../../audit/auditing.ts';
import { knownOf, readBaseline, writeBaseline } from '../../audit/baseline.ts';
import type { Context, Run } from '../../command.ts';
import { configRoot } from '../../config-root.ts';
import { auditThere } from '../../remote/there.ts';
import { showJson, showPage } from '../../show.ts';

const TRANSPORTS: readonly Transport[] = ['tcp', 'udp'];

export const run: Run = async (context) => {
  const { values, switches, positionals } = context.args;
  const sarif = switches.has('sarif');
  if (sarif && context.json)
    throw new PortolanError('USAGE', '--sarif and --json are two forms; ask for one.');
  if (values.has('reason') && !values.has('write-baseline')) {
    throw new PortolanError('USAGE', '--reason goes with --write-baseline.');
  }
  const root =
    configRoot(
      context,
      'It should hold the files of a system as they stand below its root: etc, usr, Library.',
    ) ?? '/';
  const procRoot = values.get('procfs-root');
  const printed = values.get('snapshot');
  const host = values.get('host');
  const asked = (values.get('profile') ?? '').split(/[\n,]/).filter((name) => name !== '');
  if (asked.includes('list')) return listProfiles(context);
  const known = values.has('baseline') ? readBaseline(values.get('baseline') ?? '') : null;
  const judged = await auditBy(
    {
      files: positionals,
      profiles: asked,
      cwd: process.cwd(),
      root,
      procRoot,
      printed,
      host,
      baseline: known,
    },
    {
      look: () => context.look({ ports: null, transports: TRANSPORTS, countEphemeral: true }),
      facts: () => context.facts(true),
      shippedFacts: context.shippedFacts,
      call: context.call(),
    },
  );
  const decision =
    context.host === null ? judged : auditThere(judged, { host: context.host, call: context.call() });
  const target = values.get('write-baseline');
  if (target !== undefined) return write(context, decision, target);
  if (sarif) {
    showJson(
      context,
      auditSarif(decision, context.lang, {
        version: context.version,
        root: `${pathToFileURL(process.cwd()).href}/`,
      }),
    );
  } else if (context.json) showJson(context, auditJson(decision, context.lang));
  else showPage(context, auditPage(decision));
  return exitCode(decision);
};

/** `--profile list`: the names there are. */
function listProfiles(context: Context): number {
  const profiles = shippedProfiles(context.shippedFacts);
  if (context.json) {
    throw new PortolanError('USAGE', '--profile list is for people; the profiles are files of the facts.');
  }
  const width = Math.max(...profiles.map(({ name }) => name.length)) + 2;
  for (const { name, title, ports } of profiles) {
    const numbers = [
      ...new Set(ports.map(({ ports: [first, last] }) => (first === last ? `${first}` : `${first}-${last}`))),
    ];
    const lines = wrapText(`${title}: ${numbers.join(', ')}`, 80 - width);
    context.io.out(
      `${lines.map((line, index) => `${(index === 0 ? name : '').padEnd(width)}${line}`).join('\n')}\n`,
    );
  }
  return 0;
}

function write(context: Context, decision: AuditDecision, target: string): number {
  const day = context.io.now().toISOString().slice(0, 10);
  const reason = context.args.values.get('reason') ?? `was there on ${day}, when this baseline was written`;
  const before: readonly KnownFinding[] = existsSync(target) ? readBaseline(target) : [];
  const known = knownOf(decision, before, reason);
  writeBaseline(target, known);
  context.io.out(`${context.lang.say(say('audit.written', { count: known.length, file: target }))}\n`);
  return 0;
}

/** 3 only where nothing at all was looked at. */
function exitCode({ findings, scope, fixed, xsan }: AuditDecision): number {
  if (findings.length > 0) return 1;
  const looked =
    scope.listeners || scope.files.length > 0 || scope.units !== null || fixed.length > 0 || xsan !== null;
  return looked ? 0 : 3;
}
