// The audit: fixed ports and their places, the host and the facts in; findings, what is known of them, and gaps out.
import type {
  AuditDecision,
  AuditFinding,
  AuditScope,
  FixedPort,
  KnownFinding,
  Place,
} from '../model/audit.ts';
import type { BlockedPort, Claim, EphemeralDefault, Source } from '../model/claim.ts';
import { say } from '../model/message.ts';
import { inRange, type PortRange, type Transport } from '../model/port.ts';
import type { Holder, Risk } from '../model/report.ts';
import type { Gap, Snapshot } from '../model/socket.ts';
import type { XsanDecision } from '../model/xsan.ts';
import { listenersOf } from './audit-listeners.ts';
import { pairsOf } from './audit-pairs.ts';
import {
  canReserve,
  findingsOf,
  fingerprintOf,
  NODE_PORTS,
  overlapRisk,
  type RuleContext,
  reserveRemedy,
} from './audit-rules.ts';
import { common, portsText, without } from './audit-words.ts';

/** Everything an audit is made from. */
export interface AuditInput {
  /** Fixed ports of files, units and profiles. */
  readonly fixed: readonly FixedPort[];
  /** Ranges of NodePorts that manifests set. */
  readonly nodePorts: readonly { readonly ports: PortRange; readonly place: Place | null }[];
  readonly snapshot: Pick<Snapshot, 'limits' | 'platform'>;
  /** Everybody on a port now. */
  readonly holders: readonly Holder[];
  readonly scope: AuditScope;
  readonly defaults: readonly EphemeralDefault[];
  readonly blocked: { readonly source: string; readonly ports: readonly BlockedPort[] };
  /** Every claim that covers a port. */
  readonly claims: (port: number) => readonly Claim[];
  /** Risks of a port, as its report tells them. */
  readonly risks: (port: number, transports: readonly Transport[]) => readonly Risk[];
  /** Looks a source up by its id. */
  source(id: string): Source;
  readonly gaps: readonly Gap[];
  /** Null without a baseline. */
  readonly baseline: readonly KnownFinding[] | null;
  readonly xsan: { readonly decision: XsanDecision; readonly findings: readonly AuditFinding[] } | null;
}

const SEVERITIES = ['high', 'medium', 'low', 'info'];

/** The answer. */
export function auditOf(input: AuditInput): AuditDecision {
  const { limits, platform } = input.snapshot;
  const listeners = input.scope.listeners ? listenersOf(input.holders, limits.ephemeral, input.claims) : [];
  const files = onePerPlace(input.fixed);
  // A listener on a number that a file names is what the file describes, and its holder.
  const unnamed = listeners.filter(
    (listener) =>
      !files.some((port) => port.transport === listener.transport && inRange(listener.ports[0], port.ports)),
  );
  const fixed = [...files, ...unnamed];
  const byPort = holdersByPort(input.holders);
  const context: RuleContext = {
    limits,
    platform,
    defaults: input.defaults,
    blocked: input.blocked,
    claims: input.claims,
    risks: input.risks,
    nodePorts: nodePortRanges(input, fixed),
    activated: new Set(
      fixed
        .filter(({ origin }) => origin === 'systemd-socket')
        .map(({ service, ports }) => `${service.replace(/\.socket$/, '')} ${ports[0]}`),
    ),
    holders: (ports, transport) => listenersAmong(byPort, ports, transport),
  };
  const found = [
    ...fixed.flatMap((port) => findingsOf(port, context)),
    ...pairsOf(files, context),
    ...nodePortFindings(input, context),
    ...(input.xsan?.findings ?? []),
  ].toSorted(compareFindings);
  const { findings, silenced, unmatched } = sift(found, input.baseline);
  const ids = new Set(
    findings.flatMap((finding) => [...finding.sources, ...finding.claims.map(({ source }) => source)]),
  );
  return {
    findings,
    silenced,
    unmatched,
    fixed,
    scope: input.scope,
    ephemeral: limits.ephemeral,
    sources: Object.fromEntries([...ids].map((id) => [id, input.source(id)])),
    gaps: input.gaps,
    xsan: input.xsan?.decision ?? null,
  };
}

/** The same words of a file reached twice, through an anchor, an alias or an extended service, are one. */
function onePerPlace(fixed: readonly FixedPort[]): FixedPort[] {
  const seen = new Set<string>();
  return fixed.filter(({ place, ports, transport, profile }) => {
    if (place === null) return true;
    const key = `${place.file} ${place.line} ${place.column} ${portsText(ports)} ${transport} ${profile ?? ''}`;
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

function holdersByPort(holders: readonly Holder[]): ReadonlyMap<number, Holder[]> {
  const byPort = new Map<number, Holder[]>();
  for (const holder of holders) {
    if (holder.namespace !== null || (holder.kind !== 'listener' && holder.kind !== 'bound')) continue;
    const list = byPort.get(holder.local.port);
    if (list === undefined) byPort.set(holder.local.port, [holder]);
    else list.push(holder);
  }
  return byPort;
}

/** Most holders that one finding names. */
const HOLDERS_NAMED = 8;

function listenersAmong(
  byPort: ReadonlyMap<number, Holder[]>,
  ports: PortRange,
  transport: Transport,
): Holder[] {
  const found: Holder[] = [];
  for (let port = ports[0]; port <= ports[1] && found.length < HOLDERS_NAMED; port++) {
    found.push(...(byPort.get(port) ?? []).filter((holder) => holder.transport === transport));
  }
  return found.slice(0, HOLDERS_NAMED);
}

/** Ranges that are set, else the default where there is a sign of Kubernetes. */
function nodePortRanges({ nodePorts }: AuditInput, fixed: readonly FixedPort[]): PortRange[] {
  if (nodePorts.length > 0) return nodePorts.map(({ ports }) => ports);
  const sign = fixed.some(
    ({ origin, profile, about }) =>
      profile === 'kubernetes-node' || (origin === 'kubernetes' && about.includes('NodePort')),
  );
  return sign ? [NODE_PORTS] : [];
}

/** A range of NodePorts that this host also hands out. */
function nodePortFindings(
  { nodePorts, snapshot: { limits, platform } }: AuditInput,
  context: RuleContext,
): AuditFinding[] {
  const places =
    nodePorts.length > 0 ? nodePorts : context.nodePorts.map((ports) => ({ ports, place: null }));
  const { ephemeral } = limits;
  if (ephemeral === null) return [];
  return places.flatMap(({ ports, place }) => {
    const within = common(ports, ephemeral);
    const [open] = within === null ? [] : without(within, limits.reserved ?? []);
    if (open === undefined) return [];
    const risk = overlapRisk([open], ['tcp'], context);
    return [
      {
        id: 'nodeport-overlap' as const,
        severity: 'high' as const,
        port: open[0],
        ports: open,
        transport: 'tcp' as const,
        service: 'NodePort',
        origin: 'kubernetes' as const,
        place,
        text: say('audit.nodeport.range', {
          ports: portsText(ports),
          open: portsText(open),
          first: ephemeral[0],
          last: ephemeral[1],
        }),
        chance: risk?.chance ?? null,
        basis: risk?.basis ?? null,
        remedies: canReserve(platform) ? [reserveRemedy(open)] : [],
        claims: [],
        holders: [],
        others: [],
        sources: ['kubernetes-ports-and-protocols'],
        variable: null,
        fingerprint: fingerprintOf('nodeport-overlap', ports, 'tcp', place?.file ?? 'kubernetes', 'NodePort'),
        profile: null,
      },
    ];
  });
}

/** Gravest first, then as files are read. */
function compareFindings(a: AuditFinding, b: AuditFinding): number {
  return (
    SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity) ||
    compareText(a.place?.file ?? '', b.place?.file ?? '') ||
    (a.place?.line ?? 0) - (b.place?.line ?? 0) ||
    a.port - b.port ||
    compareText(a.id, b.id)
  );
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Takes out what the baseline knows, and tells which of its entries match nothing any more. */
function sift(
  found: readonly AuditFinding[],
  baseline: readonly KnownFinding[] | null,
): Pick<AuditDecision, 'findings' | 'silenced' | 'unmatched'> {
  const reasons = new Map((baseline ?? []).map(({ finding, reason }) => [finding, reason]));
  const met = new Set<string>();
  const findings: AuditFinding[] = [];
  const silenced: { finding: AuditFinding; reason: string }[] = [];
  for (const finding of found) {
    const reason = reasons.get(finding.fingerprint);
    if (reason === undefined) findings.push(finding);
    else {
      met.add(finding.fingerprint);
      silenced.push({ finding, reason });
    }
  }
  return { findings, silenced, unmatched: (baseline ?? []).filter(({ finding }) => !met.has(finding)) };
}
