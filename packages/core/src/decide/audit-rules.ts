// The rules of an audit, each about one fixed port: what is wrong with it, how likely, and what helps.
import type { AuditFinding, FindingId, FixedPort } from '../model/audit.ts';
import type { BlockedPort, Claim, EphemeralDefault } from '../model/claim.ts';
import { listed, type Message, say } from '../model/message.ts';
import { inRange, type PortRange, type Transport } from '../model/port.ts';
import type { Holder, Remedy, Risk, Severity } from '../model/report.ts';
import type { HostLimits } from '../model/socket.ts';
import { common, isAbout, isAnonymous, portsText, without } from './audit-words.ts';
import { aboutTransports, claimName, isWide, narrowestFirst } from './claims.ts';

/** What the rules judge by. */
export interface RuleContext {
  readonly limits: HostLimits;
  readonly platform: string;
  readonly defaults: readonly EphemeralDefault[];
  readonly blocked: { readonly source: string; readonly ports: readonly BlockedPort[] };
  /** Every claim that covers a port. */
  readonly claims: (port: number) => readonly Claim[];
  /** Risks of a port, as its report tells them. */
  readonly risks: (port: number, transports: readonly Transport[]) => readonly Risk[];
  /** Listeners on these ports now. */
  holders(ports: PortRange, transport: Transport): readonly Holder[];
  /** Ranges that Kubernetes takes NodePorts from; empty where there is no sign of it. */
  readonly nodePorts: readonly PortRange[];
  /** Socket units that hold a port for a service: `web 80`. */
  readonly activated: ReadonlySet<string>;
}

/** Where the Dynamic Ports begin (RFC 6335 s6). */
const DYNAMIC_FROM = 49_152;

/** Where kube-apiserver takes NodePorts from unless it is told otherwise. */
export const NODE_PORTS: PortRange = [30_000, 32_767];

/** Ports below this need a privilege where the host's own setting is not known. */
const UNPRIVILEGED_DEFAULT = 1024;

/** A finding about a fixed port, with what is the same for all. */
export function findingOf(
  fixed: FixedPort,
  context: RuleContext,
  part: {
    readonly id: FindingId;
    readonly severity: Severity;
    readonly text: Message;
  } & Partial<AuditFinding>,
): AuditFinding {
  const ports = part.ports ?? fixed.ports;
  return {
    port: ports[0],
    ports,
    transport: fixed.transport,
    service: fixed.service,
    origin: fixed.origin,
    place: fixed.place,
    chance: null,
    basis: null,
    remedies: [],
    claims: ports[0] === ports[1] ? narrow(context.claims(ports[0]), fixed.transport) : [],
    holders: fixed.holders.length > 0 ? fixed.holders : context.holders(ports, fixed.transport),
    others: [],
    sources: [],
    variable: fixed.variable,
    fingerprint: fingerprintOf(
      part.id,
      ports,
      fixed.transport,
      fixed.place?.file ?? fixed.origin,
      fixed.service,
    ),
    profile: fixed.profile,
    ...part,
  };
}

/** Readable, and without a line number, so that it stays the same while the file around it changes. */
export function fingerprintOf(
  id: FindingId,
  ports: PortRange,
  transport: Transport,
  where: string,
  service: string,
): string {
  return `${id} ${portsText(ports)}/${transport} ${where}#${service}`;
}

/** Claims on the number itself, narrowest first. */
export function narrow(claims: readonly Claim[], transport: Transport): Claim[] {
  return narrowestFirst(aboutTransports(claims, [transport]).filter((claim) => !isWide(claim)));
}

/** Every finding of the rules that look at one fixed port alone. */
export function findingsOf(fixed: FixedPort, context: RuleContext): AuditFinding[] {
  return [
    ephemeralOverlap(fixed, context),
    ephemeralElsewhere(fixed, context),
    dynamicPort(fixed, context),
    nodePort(fixed, context),
    privileged(fixed, context),
    browserBlocked(fixed, context),
    claimedByOther(fixed, context),
    sexagesimal(fixed, context),
  ].filter((finding) => finding !== null);
}

/** The worst chance among a few ports of a run, of either parity, as their own reports give it. */
export function overlapRisk(
  runs: readonly PortRange[],
  transports: readonly Transport[],
  context: Pick<RuleContext, 'risks'>,
): Risk | null {
  const ports = runs.slice(0, 2).flatMap(([first, last]) => (first === last ? [first] : [first, first + 1]));
  const risks = ports
    .map((port) => context.risks(port, transports).find(({ id }) => id === 'ephemeral-overlap'))
    .filter((risk) => risk !== undefined);
  return risks.reduce<Risk | null>(
    (worst, risk) => (worst === null || (risk.chance ?? -1) > (worst.chance ?? -1) ? risk : worst),
    null,
  );
}

/** Keeping a run of ports out of automatic choice here, by the command that does it. */
export function reserveRemedy([first, last]: PortRange): Remedy {
  return {
    title: say('audit.remedy.reserve', { ports: portsText([first, last]) }),
    commands: [`portolan reserve ${portsText([first, last])} --apply`],
    needsRoot: true,
    persistent: true,
    undo: [`portolan unreserve ${portsText([first, last])} --apply`],
  };
}

/** Can automatic choice be kept from single ports on this system? */
export function canReserve(platform: string): boolean {
  return platform === 'linux' || platform === 'win32';
}

function ephemeralOverlap(fixed: FixedPort, context: RuleContext): AuditFinding | null {
  const { ephemeral, reserved } = context.limits;
  const within = ephemeral === null || isNodePortRange(fixed) ? null : common(fixed.ports, ephemeral);
  if (ephemeral === null || within === null) return null;
  const open = without(within, reserved ?? []);
  const first = open[0];
  if (first === undefined) return null;
  const risk = overlapRisk(open, [fixed.transport], context);
  if (risk === null) return null;
  const single = fixed.ports[0] === fixed.ports[1];
  const others = systemsWith(first, fixed, context, true);
  const said = fixed.handedOut
    ? say('audit.overlap.handed', { port: fixed.ports[0], first: ephemeral[0], last: ephemeral[1] })
    : single
      ? risk.text
      : say('audit.overlap.range', {
          ports: portsText(first),
          all: portsText(fixed.ports),
          first: ephemeral[0],
          last: ephemeral[1],
        });
  const move: Remedy[] = risk.remedies.filter(({ commands }) => commands.length === 0);
  return findingOf(fixed, context, {
    id: 'ephemeral-overlap',
    severity: fixed.handedOut ? 'medium' : risk.severity,
    text: others.length === 0 ? said : say('audit.overlap.also', { said, systems: listed(others, 5) }),
    chance: risk.chance,
    basis: risk.basis,
    remedies: single
      ? risk.remedies
      : [...move, ...(canReserve(context.platform) ? [reserveRemedy(first)] : [])],
    sources: risk.sources,
  });
}

/** Systems a file of this kind is run on; null for any. */
const RUN_ON: Readonly<Partial<Record<FixedPort['origin'], readonly string[]>>> = {
  kubernetes: ['Linux', 'Windows'],
  compose: ['Linux', 'macOS', 'Windows'],
  devcontainer: ['Linux', 'macOS', 'Windows'],
};

/** What process.platform calls the systems of the facts. */
const PLATFORMS: Readonly<Record<string, string>> = {
  Linux: 'linux',
  macOS: 'darwin',
  Windows: 'win32',
  FreeBSD: 'freebsd',
  Solaris: 'sunos',
  AIX: 'aix',
};

/** The value of process.platform for a system of the facts; null where Node does not run on it. */
export function platformOf(os: string): string | null {
  return PLATFORMS[os] ?? null;
}

/** Current systems that hand some of these ports out by default; those of this host's kind are left out on demand. */
export function systemsWith(
  ports: PortRange,
  { origin }: Pick<FixedPort, 'origin'>,
  { defaults, platform }: Pick<RuleContext, 'defaults' | 'platform'>,
  apart: boolean,
): string[] {
  const names = defaults
    .filter(({ os, versions, ranges }) => {
      if (apart && PLATFORMS[os] === platform) return false;
      return (
        !/XP|2003/.test(versions) &&
        ranges.some((range) => common(range, ports) !== null) &&
        RUN_ON[origin]?.includes(os) !== false
      );
    })
    .map(({ os }) => os);
  return [...new Set(names)];
}

/** Files of projects are carried from host to host; listeners, units and profiles are about this one. */
const CARRIED: ReadonlySet<FixedPort['origin']> = new Set([
  'compose',
  'kubernetes',
  'procfile',
  'package-json',
  'env',
  'devcontainer',
]);

function ephemeralElsewhere(fixed: FixedPort, context: RuleContext): AuditFinding | null {
  const { ephemeral, reserved } = context.limits;
  if (!CARRIED.has(fixed.origin) || isNodePortRange(fixed)) return null;
  const here = ephemeral === null ? null : common(fixed.ports, ephemeral);
  // Where it is open here that is told, with the other systems beside it.
  if (here !== null && without(here, reserved ?? []).length > 0) return null;
  const systems = systemsWith(fixed.ports, fixed, context, here !== null);
  if (systems.length === 0) return null;
  const rows = context.defaults.filter(({ os }) => systems.includes(os));
  return findingOf(fixed, context, {
    id: 'ephemeral-elsewhere',
    severity: 'low',
    text: say('audit.elsewhere', {
      ports: portsText(fixed.ports),
      systems: listed(systems, 5),
      count: systems.length,
    }),
    remedies: [moveRemedy()],
    sources: [...new Set(rows.map(({ source }) => source))],
  });
}

function moveRemedy(): Remedy {
  return { title: say('remedy.move'), commands: [], needsRoot: false, persistent: true, undo: [] };
}

function dynamicPort(fixed: FixedPort, context: RuleContext): AuditFinding | null {
  // A number that the system has chosen is what these ports are for.
  if (fixed.ports[1] < DYNAMIC_FROM || fixed.handedOut) return null;
  return findingOf(fixed, context, {
    id: 'dynamic-port-as-service',
    severity: 'low',
    text: say('audit.dynamic', { ports: portsText(fixed.ports) }),
    remedies: [moveRemedy()],
    sources: ['rfc6335'],
  });
}

/** A profile's entry for the whole range: what is to be said of that is said once, as `nodeport-overlap`. */
function isNodePortRange({ profile, ports }: FixedPort): boolean {
  return profile !== null && ports[0] === NODE_PORTS[0] && ports[1] === NODE_PORTS[1];
}

function nodePort(fixed: FixedPort, context: RuleContext): AuditFinding | null {
  if (fixed.profile !== null || context.nodePorts.length === 0) return null;
  const inside = context.nodePorts.find((range) => common(range, fixed.ports) !== null);
  const [range] = context.nodePorts;
  if (fixed.origin === 'kubernetes') {
    // Only Services take their numbers from the range.
    if (inside !== undefined || !fixed.about.includes('NodePort') || range === undefined) return null;
    return findingOf(fixed, context, {
      id: 'nodeport-overlap',
      severity: 'medium',
      text: say('audit.nodeport.outside', { port: fixed.ports[0], first: range[0], last: range[1] }),
    });
  }
  if (inside === undefined || fixed.service.startsWith('kube') || fixed.role === 'names') return null;
  return findingOf(fixed, context, {
    id: 'nodeport-overlap',
    severity: 'medium',
    text: say('audit.nodeport.service', { ports: portsText(fixed.ports), first: inside[0], last: inside[1] }),
    sources: ['kubernetes-ports-and-protocols'],
  });
}

function privileged(fixed: FixedPort, context: RuleContext): AuditFinding | null {
  const from = context.limits.unprivilegedFrom ?? UNPRIVILEGED_DEFAULT;
  if (fixed.ports[0] >= from || fixed.mayBindLow !== false || fixed.role !== 'binds') return null;
  const base = fixed.service.replace(/\.service$/, '');
  if (fixed.origin === 'systemd-service' && context.activated.has(`${base} ${fixed.ports[0]}`)) return null;
  const unit = fixed.origin === 'systemd-service';
  const manual: Omit<Remedy, 'title'> = { commands: [], needsRoot: unit, persistent: true, undo: [] };
  return findingOf(fixed, context, {
    id: 'privileged-without-capability',
    severity: unit || fixed.origin === 'compose' || fixed.origin === 'kubernetes' ? 'high' : 'low',
    text: say('audit.privileged', { ports: portsText(fixed.ports), from }),
    remedies: [
      ...(unit ? [{ title: say('remedy.capability'), ...manual }] : []),
      { title: say('audit.remedy.high'), ...manual, needsRoot: false },
    ],
    sources: ['linux-ip-sysctl'],
  });
}

function browserBlocked(fixed: FixedPort, context: RuleContext): AuditFinding | null {
  const [port] = fixed.ports;
  if (fixed.transport !== 'tcp' || fixed.ports[1] - port > 64 || isAnonymous(fixed)) return null;
  // What listens on a system port is the service of that port far more often than a web server.
  if (fixed.origin === 'listener' && port < UNPRIVILEGED_DEFAULT) return null;
  const row = context.blocked.ports.find((entry) => inRange(entry.port, fixed.ports));
  if (row === undefined) return null;
  const claims = narrow(context.claims(row.port), 'tcp');
  if (claims.some((claim) => isAbout(claim, fixed))) return null;
  const named = row.service;
  if (
    named !== null &&
    `${fixed.service} ${fixed.about.join(' ')}`.toLowerCase().includes(named.toLowerCase())
  )
    return null;
  return findingOf(fixed, context, {
    id: 'browser-blocked',
    severity: 'medium',
    ports: [row.port, row.port],
    text: say('risk.browser', { port: row.port }),
    remedies: [
      { title: say('audit.remedy.open'), commands: [], needsRoot: false, persistent: true, undo: [] },
    ],
    sources: [context.blocked.source],
  });
}

/** More owners than this, and the number is common ground. */
const OWNERS_LIMIT = 3;

/** Widest run whose numbers are looked up one by one. */
const LOOKED_UP = 16;

function claimedByOther(fixed: FixedPort, context: RuleContext): AuditFinding | null {
  // A number that a program brings itself, or that somebody only refers to, was not chosen here.
  if (!fixed.chosen && fixed.origin !== 'listener') return null;
  if (fixed.role === 'names' || fixed.handedOut || isAnonymous(fixed)) return null;
  if (fixed.ports[1] - fixed.ports[0] >= LOOKED_UP) return null;
  for (let port = fixed.ports[0]; port <= fixed.ports[1]; port++) {
    const claims = narrow(context.claims(port), fixed.transport);
    if (claims.some((claim) => isAbout(claim, fixed))) continue;
    const assigned = claims.some(
      ({ authority, status }) => authority === 'registry' && status !== 'reserved',
    );
    // Of a listener on an assigned port nothing more is known than its process's name.
    if (fixed.origin === 'listener' && (assigned || port < UNPRIVILEGED_DEFAULT)) continue;
    const owners = claims.filter(({ authority, product }) => authority === 'default' && product !== null);
    const names = [...new Set(owners.map(claimName))];
    if (names.length === 0 || names.length > OWNERS_LIMIT) continue;
    return findingOf(fixed, context, {
      id: 'claimed-by-other',
      severity: 'low',
      ports: [port, port],
      text: say('audit.claimed', {
        port,
        service: fixed.service,
        names: listed(names, OWNERS_LIMIT),
        count: names.length,
      }),
      sources: [...new Set(owners.map(({ source }) => source))],
    });
  }
  return null;
}

function sexagesimal(fixed: FixedPort, context: RuleContext): AuditFinding | null {
  if (fixed.sexagesimal === null) return null;
  return findingOf(fixed, context, {
    id: 'yaml-sexagesimal',
    severity: 'low',
    text: say('audit.sexagesimal', { value: fixed.sexagesimal }),
  });
}
