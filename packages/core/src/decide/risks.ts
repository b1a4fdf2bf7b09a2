// What could take the port or keep a service on it from working, how likely, and what to do about it.
import { type Claim, type EphemeralDefault } from '../model/claim.ts';
import { say } from '../model/message.ts';
import { inRange, type PortRange, type Transport } from '../model/port.ts';
import type { HostView, Remedy, Risk, Severity, Use } from '../model/report.ts';
import type { EphemeralUse } from '../model/socket.ts';
import { claimName, isWide } from './claims.ts';

/** What the risks are judged from. */
export interface RiskInput {
  readonly port: number;
  readonly transports: readonly Transport[];
  readonly claims: readonly Claim[];
  readonly host: HostView;
  readonly use: Use;
  readonly ephemeralUse: EphemeralUse | null;
  readonly defaults: readonly EphemeralDefault[];
  readonly blockedSource: string;
}

/** Severities from the gravest to the least. */
const GRAVEST_FIRST: readonly Severity[] = ['high', 'medium', 'low', 'info'];

/** All risks, gravest first. */
export function risksOf(input: RiskInput): Risk[] {
  return [
    inUse(input),
    ephemeralOverlap(input),
    privileged(input),
    browserBlocked(input),
    ephemeralElsewhere(input),
    knownPort(input),
  ]
    .filter((risk) => risk !== null)
    .toSorted((a, b) => GRAVEST_FIRST.indexOf(a.severity) - GRAVEST_FIRST.indexOf(b.severity));
}

/** Somebody is on the port now: what happens to a program that wants it. */
function inUse({ port, use }: RiskInput): Risk | null {
  if (use.verdict !== 'held') return null;
  const waits = use.holders.every((holder) => holder.kind === 'closing');
  return {
    id: 'in-use',
    severity: waits ? 'medium' : 'high',
    chance: null,
    basis: null,
    text: say(waits ? 'risk.inuse.closing' : 'risk.inuse', { port }),
    remedies: [],
    sources: [],
  };
}

/** The port lies where this host's kernel takes ports for outgoing connections. */
function ephemeralOverlap({ port, host, ephemeralUse }: RiskInput): Risk | null {
  if (host.inEphemeral !== true || host.isReserved === true || host.ephemeral === null) return null;
  const [first, last] = host.ephemeral;
  const odd = (port & 1) === 1;
  // Linux connect() prefers ports of the parity of the range's first number, bind(0) the others.
  const forConnect = ((port ^ first) & 1) === 0;
  const total = countParity(first, last, odd, host.reserved ?? []);
  const used = ephemeralUse === null ? null : odd ? ephemeralUse.odd : ephemeralUse.even;
  return {
    id: 'ephemeral-overlap',
    severity: 'high',
    chance: used === null || total === 0 ? null : Math.min(1, used / total),
    basis:
      used === null
        ? say('risk.ephemeral.basis.none')
        : say(odd ? 'risk.ephemeral.basis.odd' : 'risk.ephemeral.basis.even', { used, total }),
    text: say(forConnect ? 'risk.ephemeral.connect' : 'risk.ephemeral.bind', {
      port,
      first,
      last,
      parity: say(odd ? 'parity.odd' : 'parity.even'),
    }),
    remedies: reserveRemedies(port, host),
    sources: ['linux-ip-sysctl', 'rfc6056'],
  };
}

/** Ports of one parity in a range, less the reserved ones; reserved runs do not overlap. */
function countParity(first: number, last: number, odd: boolean, reserved: readonly PortRange[]): number {
  const count = (from: number, to: number): number => {
    const start = (from & 1) === Number(odd) ? from : from + 1;
    return start > to ? 0 : Math.floor((to - start) / 2) + 1;
  };
  return reserved.reduce(
    (left, [from, to]) => left - count(Math.max(from, first), Math.min(to, last)),
    count(first, last),
  );
}

/** Writing ip_local_reserved_ports replaces the whole list, so what stands there is written again with it. */
function reserveRemedies(port: number, host: HostView): Remedy[] {
  const moved: Remedy = {
    title: say('remedy.move'),
    commands: [],
    needsRoot: false,
    persistent: true,
    undo: [],
  };
  if (host.platform !== 'linux' || host.reserved === null) return [moved];
  const before = formatRanges(host.reserved);
  const after = before === '' ? String(port) : `${before},${port}`;
  const file = '/etc/sysctl.d/60-portolan.conf';
  return [
    moved,
    {
      title: say('remedy.reserve', { port }),
      commands: [
        `sudo sysctl -w net.ipv4.ip_local_reserved_ports=${after}`,
        `echo 'net.ipv4.ip_local_reserved_ports = ${after}' | sudo tee ${file}`,
      ],
      needsRoot: true,
      persistent: true,
      undo:
        before === ''
          ? [`sudo rm ${file}`, "sudo sysctl -w net.ipv4.ip_local_reserved_ports=''"]
          : [
              `echo 'net.ipv4.ip_local_reserved_ports = ${before}' | sudo tee ${file}`,
              `sudo sysctl -w net.ipv4.ip_local_reserved_ports=${before}`,
            ],
    },
  ];
}

/** Ranges in the form of ip_local_reserved_ports: `1,2-4`. */
export function formatRanges(ranges: readonly PortRange[]): string {
  return ranges.map(([first, last]) => (first === last ? String(first) : `${first}-${last}`)).join(',');
}

/** Shipped ephemeral ranges of other systems that hold the port: a service is often carried over. */
function ephemeralElsewhere({ port, host, defaults }: RiskInput): Risk | null {
  const others = defaults.filter(
    (entry) => entry.os.toLowerCase() !== host.platform && entry.ranges.some((range) => inRange(port, range)),
  );
  const names = [...new Set(others.map((entry) => entry.os))];
  // The old Windows range is of interest to nobody who asks about a port of today.
  const today = names.filter((name) =>
    others.some((entry) => entry.os === name && !/XP|2003/.test(entry.versions)),
  );
  if (today.length === 0) return null;
  return {
    id: 'ephemeral-elsewhere',
    severity: host.inEphemeral === true ? 'info' : 'low',
    chance: null,
    basis: null,
    text: say('risk.elsewhere', { port, names: today.join(', '), count: today.length }),
    remedies: [],
    sources: [...new Set(others.filter((entry) => today.includes(entry.os)).map((entry) => entry.source))],
  };
}

function browserBlocked({ port, host, blockedSource, transports }: RiskInput): Risk | null {
  if (!host.browserBlocked || !transports.includes('tcp') || port === 0) return null;
  return {
    id: 'browser-blocked',
    severity: 'medium',
    chance: null,
    basis: null,
    text: say('risk.browser', { port }),
    remedies: [],
    sources: [blockedSource],
  };
}

function privileged({ port, host }: RiskInput): Risk | null {
  const from = host.unprivilegedFrom;
  if (from === null || port >= from || port === 0) return null;
  return {
    id: 'privileged',
    severity: 'low',
    chance: null,
    basis: null,
    text: say('risk.privileged', { port, from }),
    remedies: [
      {
        title: say('remedy.capability'),
        commands: ['AmbientCapabilities=CAP_NET_BIND_SERVICE'],
        needsRoot: true,
        persistent: true,
        undo: [],
      },
    ],
    sources: ['linux-ip-sysctl'],
  };
}

/** Others that people run ship this very number: whoever installs them meets this service. */
function knownPort({ port, claims }: RiskInput): Risk | null {
  const known = claims.filter((claim) => !isWide(claim) && claim.authority === 'default');
  const names = [...new Set(known.map(claimName))];
  // Several that share a default are told as a disagreement already.
  if (names.length !== 1) return null;
  return {
    id: 'known-port',
    severity: 'info',
    chance: null,
    basis: null,
    text: say('risk.known', { port, name: names[0] ?? '' }),
    remedies: [],
    // The products stand with their sources among the claims.
    sources: [],
  };
}
