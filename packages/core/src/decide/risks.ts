// What could take the port or keep a service on it from working, how likely, and what to do about it.

import { type Claim, type EphemeralDefault } from '../model/claim.ts';
import type { Forecast } from '../model/forecast.ts';
import { say } from '../model/message.ts';
import { inRange, type Transport } from '../model/port.ts';
import type { HostView, Remedy, Risk, Severity, Use } from '../model/report.ts';
import type { EphemeralUse } from '../model/socket.ts';
import { AIRPLAY_PORTS, AIRPLAY_SWITCH, isAirplay } from './airplay.ts';
import { platformOf } from './audit-rules.ts';
import { claimName, isWide } from './claims.ts';
import { cellOf, forecastOf } from './forecast.ts';

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
  /** How a shell calls this program. */
  readonly call: string;
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
    airplayReceiver(input),
  ]
    .filter((risk) => risk !== null)
    .toSorted((a, b) => GRAVEST_FIRST.indexOf(a.severity) - GRAVEST_FIRST.indexOf(b.severity));
}

/** Somebody is on the port now: what happens to a program that wants it. */
function inUse({ port, use }: RiskInput): Risk | null {
  if (use.verdict !== 'held') return null;
  const here = use.holders.filter((holder) => holder.namespace === null);
  const sockets = here.filter((holder) => holder.redirect === null);
  const passing =
    sockets.every((holder) => holder.transport === 'tcp') &&
    sockets.every(({ kind }) => kind === 'closing' || kind === 'connection');
  // A rule keeps nobody from binding: whoever does is only not reached.
  const key = sockets.length === 0 ? 'risk.inuse.rule' : passing ? 'risk.inuse.passing' : 'risk.inuse';
  return {
    id: 'in-use',
    severity: sockets.length > 0 && passing ? 'medium' : 'high',
    chance: null,
    basis: null,
    text: say(key, { port }),
    remedies: [],
    sources: [],
  };
}

/** Who takes ports of each part of the range first. */
const TAKEN_BY = {
  connect: 'risk.ephemeral.connect',
  bindLower: 'risk.ephemeral.bind',
  bindUpper: 'risk.ephemeral.bind.upper',
} as const;

/** Where systems say which ports they hand out. */
const EPHEMERAL_SOURCE: Readonly<Record<string, readonly string[]>> = {
  linux: ['linux-ip-sysctl'],
  darwin: ['xnu-in-pcb'],
  win32: ['ms-929851'],
};

/** The port lies where this host's kernel takes ports for outgoing connections. */
function ephemeralOverlap(input: RiskInput): Risk | null {
  const { port, host, transports } = input;
  if (host.inEphemeral !== true || host.isReserved === true || host.ephemeral === null) return null;
  const [first, last] = host.ephemeral;
  // Which numbers are taken first is known of Linux.
  const linux = host.platform === 'linux';
  const onLinux = transports.includes('tcp') ? TAKEN_BY[cellOf(port, host.ephemeral)] : 'risk.ephemeral.udp';
  const text = linux ? onLinux : 'risk.ephemeral.any';
  const forecast = worstForecast(input);
  return {
    id: 'ephemeral-overlap',
    severity: 'high',
    chance: forecast?.chance ?? null,
    basis: forecast?.basis ?? say('risk.ephemeral.basis.none'),
    firstTakenSeconds: forecast?.firstTakenSeconds ?? null,
    restartChance: forecast?.restartChance ?? null,
    text: say(text, {
      port,
      first,
      last,
      parity: say((port & 1) === 1 ? 'parity.odd' : 'parity.even'),
    }),
    remedies: reserveRemedies(input),
    sources: [...(EPHEMERAL_SOURCE[host.platform] ?? []), 'rfc6056'],
  };
}

/** The forecast for the transport that is worse off; null where nothing was counted. */
function worstForecast({ port, transports, host, ephemeralUse }: RiskInput): Forecast | null {
  const { ephemeral } = host;
  if (ephemeral === null || ephemeralUse === null) return null;
  return transports
    .map((transport) => forecastOf(port, transport, ephemeral, ephemeralUse))
    .reduce((a, b) => (a === null || (b !== null && b.chance > a.chance) ? b : a), null);
}

/** `reserve` merges with what others reserved, writes what survives a reboot, reads back and can undo. */
function reserveRemedies({ port, host, call }: RiskInput): Remedy[] {
  const moved: Remedy = {
    title: say('remedy.move'),
    commands: [],
    needsRoot: false,
    persistent: true,
    undo: [],
  };
  if (host.platform !== 'linux' || host.reserved === null) return [moved];
  return [
    moved,
    {
      title: say('remedy.reserve', { port }),
      commands: [`sudo ${call} reserve ${port} --apply`],
      needsRoot: true,
      persistent: true,
      undo: [`sudo ${call} unreserve ${port} --apply`],
    },
  ];
}

/** Shipped ephemeral ranges of other systems that hold the port: a service is often carried over. */
function ephemeralElsewhere({ port, host, defaults }: RiskInput): Risk | null {
  const others = defaults.filter(
    (entry) => platformOf(entry.os) !== host.platform && entry.ranges.some((range) => inRange(port, range)),
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
      { title: say('remedy.capability'), commands: [], needsRoot: true, persistent: true, undo: [] },
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

/** A port of macOS's AirPlay Receiver, which is switched on as it comes: whether it has it now, and the switch. */
function airplayReceiver({ port, host, transports, use }: RiskInput): Risk | null {
  if (host.platform !== 'darwin' || !AIRPLAY_PORTS.has(port) || !transports.includes('tcp')) return null;
  const listeners = use.holders.filter(({ kind, transport }) => kind === 'listener' && transport === 'tcp');
  const here = listeners.some(({ owners }) => owners.some(isAirplay));
  // Somebody else has it, so that AirPlay does not.
  if (!here && listeners.some(({ owners }) => owners.length > 0)) return null;
  return {
    id: 'airplay-receiver',
    severity: here ? 'medium' : 'low',
    chance: null,
    basis: null,
    text: say(here ? 'risk.airplay.here' : 'risk.airplay', { port }),
    remedies: [AIRPLAY_SWITCH],
    sources: ['puma-dev-288', 'werkzeug-0156976'],
  };
}
