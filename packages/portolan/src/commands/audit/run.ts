// `portolan audit`: gathers fixed ports, judges them by the host and the facts, and tells what was found.
import { existsSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import {
  type AuditDecision,
  auditJson,
  auditOf,
  auditPage,
  auditSarif,
  type Claim,
  type Gap,
  type Holder,
  holdersOf,
  type KnownFinding,
  PortolanError,
  type Profile,
  type Risk,
  type Snapshot,
  say,
  type Transport,
  wrapText,
  xsanOf,
} from '@portolan/core';
import { type Facts, shippedProfiles } from '@portolan/facts';
import { knownOf, readBaseline, writeBaseline } from '../../audit/baseline.ts';
import { Gathering } from '../../audit/gather.ts';
import { profilePorts } from '../../audit/parse/profile.ts';
import { findXsan } from '../../audit/xsan-files.ts';
import type { Context, Run } from '../../command.ts';
import { configRoot } from '../../config-root.ts';
import { echo } from '../../flags.ts';
import { nearestWords } from '../../nearest.ts';
import { shellQuote } from '../../program.ts';
import { reportOn } from '../../report-on.ts';
import { showJson, showPage } from '../../show.ts';

/** The profile that reads the configuration of the product itself. */
const XSAN = 'xsan';

const TRANSPORTS: readonly Transport[] = ['tcp', 'udp'];

/** Gaps that matter where only files were asked about: they hide the host's range, and who is on a port. */
const HOST_GAPS: ReadonlySet<string> = new Set([
  'unsupported-platform',
  'limits-unreadable',
  'sockets-unreadable',
  'recorded-host',
]);

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
  const asked = (values.get('profile') ?? '').split(/[\n,]/).filter((name) => name !== '');
  if (asked.includes('list')) return listProfiles(context);
  const known = values.has('baseline') ? readBaseline(values.get('baseline') ?? '') : null;
  const cwd = process.cwd();
  const gathering = new Gathering(cwd, root);
  const xsan = readProfiles(asked, gathering, context.shippedFacts);
  gathering.named(...positionals);
  const everything = positionals.length === 0 && asked.length === 0;
  if (everything) {
    const recorded = printed === undefined ? procRoot : printed;
    if (recorded !== undefined && root === '/') {
      gathering.gaps.push({
        code: 'audit-units-recorded',
        values: {},
        remedy: `${context.call()} audit --${printed === undefined ? 'procfs-root' : 'snapshot'} ${shellQuote(recorded)} --config-root DIR`,
        coversUse: false,
        transports: [],
      });
    } else gathering.systemd();
    gathering.project(cwd);
  }
  const snapshot = await context.look({ ports: null, transports: TRANSPORTS, countEphemeral: true });
  const facts = await context.facts(true);
  const sight = sightOf(snapshot, facts, context.call());
  const withXsan = xsan || gathering.fsports !== null;
  const found = withXsan
    ? await findXsan(
        gathering,
        root,
        printed ?? procRoot,
        printed !== undefined || hidesProcesses(snapshot.gaps),
      )
    : null;
  const extras = facts.extras();
  const judged =
    found === null
      ? null
      : xsanOf({
          found: found.found,
          target: shellQuote(found.target),
          limits: snapshot.limits,
          platform: snapshot.platform,
          holders: sight.holders,
          allSeen: !snapshot.gaps.some(({ coversUse }) => coversUse),
          defaults: extras.ephemeral,
          allClaims: facts.allClaims(),
          claims: sight.claims,
          risks: sight.risks,
        });
  const listeners = everything && snapshot.via !== 'none';
  const decision = auditOf({
    fixed: gathering.fixed,
    nodePorts: gathering.nodePorts,
    snapshot,
    holders: sight.holders,
    scope: { files: gathering.files, units: gathering.units, listeners, profiles: gathering.profiles },
    defaults: extras.ephemeral,
    blocked: extras.blocked,
    claims: sight.claims,
    risks: sight.risks,
    source: (id) => facts.source(id),
    gaps: [...gathering.gaps, ...hostGaps(snapshot.gaps, everything || withXsan)],
    baseline: known,
    xsan: judged,
  });
  const target = values.get('write-baseline');
  if (target !== undefined) return write(context, decision, target);
  if (sarif) {
    showJson(
      context,
      auditSarif(decision, context.lang, { version: context.version, root: `${pathToFileURL(cwd).href}/` }),
    );
  } else if (context.json) showJson(context, auditJson(decision, context.lang));
  else showPage(context, auditPage(decision));
  return exitCode(decision);
};

/** What the rules ask of the host and the facts. */
interface Sight {
  readonly holders: readonly Holder[];
  readonly claims: (port: number) => readonly Claim[];
  readonly risks: (port: number, transports: readonly Transport[]) => readonly Risk[];
}

function sightOf(snapshot: Snapshot, facts: Facts, call: string): Sight {
  const claims = new Map<number, readonly Claim[]>();
  const sockets = new Map<number, Snapshot['sockets'][number][]>();
  for (const socket of snapshot.sockets) {
    const list = sockets.get(socket.local.port);
    if (list === undefined) sockets.set(socket.local.port, [socket]);
    else list.push(socket);
  }
  return {
    holders: holdersOf(snapshot, null, TRANSPORTS),
    claims(port) {
      const before = claims.get(port) ?? facts.claimsFor(port).claims;
      claims.set(port, before);
      return before;
    },
    // As `portolan PORT` would look: at this port's own sockets.
    risks: (port, transports) =>
      reportOn(port, transports, facts, { ...snapshot, sockets: sockets.get(port) ?? [] }, call).risks,
  };
}

/** Are there processes that cannot be seen at all? */
function hidesProcesses(gaps: readonly Gap[]): boolean {
  return gaps.some(({ code }) => code === 'processes-hidden' || code === 'processes-unreadable');
}

function hostGaps(gaps: readonly Gap[], all: boolean): readonly Gap[] {
  return all ? gaps : gaps.filter(({ code }) => HOST_GAPS.has(code));
}

/** Takes the ports of the profiles that were asked for; true where xsan is one of them. */
function readProfiles(asked: readonly string[], gathering: Gathering, shippedFacts: string): boolean {
  if (asked.length === 0) return false;
  const shipped = shippedProfiles(shippedFacts);
  let xsan = false;
  for (const name of asked) {
    const profile = shipped.find((known) => known.name === name);
    if (profile === undefined) {
      if (!/[./\\]/.test(name) && !existsSync(name)) throw unknownProfile(name, shipped);
      const before = gathering.profiles.length;
      gathering.named(name);
      if (gathering.profiles.length === before) {
        throw new PortolanError('USAGE', `${echo(name)} is no profile.`, {
          hint: 'A profile is a JSON file whose "format" is "portolan.profile/1".',
        });
      }
    } else {
      gathering.profiles.push(name);
      if (name === XSAN) xsan = true;
      else gathering.fixed.push(...profilePorts(profile).fixed);
    }
  }
  return xsan;
}

function unknownProfile(name: string, shipped: readonly Profile[]): PortolanError {
  const names = shipped.map((profile) => profile.name);
  const near = nearestWords(name, names, 3);
  return new PortolanError('USAGE', `There is no profile “${echo(name)}”.`, {
    hint: near.length > 0 ? `Did you mean ${near.join(', ')}?` : 'portolan audit --profile list lists them.',
  });
}

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
