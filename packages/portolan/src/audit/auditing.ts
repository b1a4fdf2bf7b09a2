// An audit: gathers fixed ports, looks at the host, and judges. What the program and the library share.
import { existsSync } from 'node:fs';
import {
  type AuditDecision,
  auditOf,
  type Claim,
  type Gap,
  type Holder,
  holdersOf,
  type KnownFinding,
  PortolanError,
  type Profile,
  type Risk,
  type Snapshot,
  type Transport,
  xsanOf,
} from '@portolan/core';
import { type Facts, shippedProfiles } from '@portolan/facts';
import { echo } from '../flags.ts';
import { nearestWords } from '../nearest.ts';
import { shellQuote } from '../program.ts';
import { reportOn } from '../report-on.ts';
import { Gathering } from './gather.ts';
import { profilePorts } from './parse/profile.ts';
import { findXsan } from './xsan-files.ts';

/** The profile that reads the configuration of the product itself. */
const XSAN = 'xsan';

const TRANSPORTS: readonly Transport[] = ['tcp', 'udp'];

/** Gaps that matter where only files were asked about: they hide the host's range, and who is on a port. */
const HOST_GAPS: ReadonlySet<string> = new Set([
  'unsupported-platform',
  'limits-unreadable',
  'sockets-unreadable',
  'sockets-others',
  'sockets-silent',
  'recorded-host',
  'remote-host',
  'remote-closed',
  'remote-late',
  'remote-large',
  'remote-tools',
]);

/** What is to be looked at. */
export interface AuditWish {
  /** Files and folders of projects; with neither them nor profiles, this host and the project in `cwd`. */
  readonly files: readonly string[];
  /** Names of shipped profiles, or files. */
  readonly profiles: readonly string[];
  /** Absolute; what shown paths are relative to. */
  readonly cwd: string;
  /** Root of the system whose files are read. */
  readonly root: string;
  /** A recorded /proc, whose host is no place where files could be read. */
  readonly procRoot: string | undefined;
  /** What another tool printed on a host, in the place of a recorded /proc. */
  readonly printed: string | undefined;
  /** A host that is asked over ssh, or several with line feeds between: of one, its files are not to be had either. */
  readonly host: string | undefined;
  readonly baseline: readonly KnownFinding[] | null;
}

/** What it is done with. */
export interface AuditTools {
  /** Looks at all sockets, with the count of the ephemeral range. */
  look(): Promise<Snapshot>;
  facts(): Promise<Facts>;
  readonly shippedFacts: string;
  /** How a shell calls this program. */
  readonly call: string;
}

/** Gathers and judges. Throws USAGE for a file or profile that is not there. */
export async function auditBy(wish: AuditWish, tools: AuditTools): Promise<AuditDecision> {
  const { cwd, root, procRoot, printed, host, profiles, files } = wish;
  const gathering = new Gathering(cwd, root);
  const xsan = readProfiles(profiles, gathering, tools.shippedFacts);
  gathering.named(...files);
  const everything = files.length === 0 && profiles.length === 0;
  if (everything) {
    const recorded = host ?? printed ?? procRoot;
    if (recorded !== undefined && root === '/') {
      gathering.gaps.push({
        code: 'audit-units-recorded',
        values: {},
        remedy: `${tools.call} audit --${flagOf(wish)} ${shellQuote(recorded)} --config-root DIR`,
        coversUse: false,
        transports: [],
      });
    } else gathering.systemd();
    gathering.project(cwd);
  }
  const snapshot = await tools.look();
  const facts = await tools.facts();
  const sight = sightOf(snapshot, facts, tools.call);
  const withXsan = xsan || gathering.fsports !== null;
  const found = withXsan
    ? await findXsan(
        gathering,
        root,
        host === undefined ? (printed ?? procRoot) : null,
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
  return auditOf({
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
    baseline: wish.baseline,
    xsan: judged,
  });
}

/** The flag by which the host was named. */
function flagOf({ host, printed }: AuditWish): string {
  if (host !== undefined) return 'host';
  return printed === undefined ? 'procfs-root' : 'snapshot';
}

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
