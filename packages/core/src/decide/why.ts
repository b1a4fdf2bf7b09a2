// Why a bind fails or how far it can be relied on: the picture before and after, and what the kernel said, joined.
import { listed, type Message, say } from '../model/message.ts';
import { inRange } from '../model/port.ts';
import type { Holder, HolderKind, Remedy, Risk } from '../model/report.ts';
import type { Gap, HostLimits } from '../model/socket.ts';
import type {
  BindHost,
  BindResult,
  BindWish,
  Cause,
  CauseKind,
  Reuse,
  WhyDecision,
  WhyNote,
} from '../model/why.ts';
import { AIRPLAY_PORTS, AIRPLAY_SWITCH, isAirplay } from './airplay.ts';
import { type Conflict, conflictOf, holderKey, mappedIpv4, overlap } from './bind-rules.ts';

/** One round: who was there, what the bind gave, who was there then. */
export interface WhyRound {
  readonly before: readonly Holder[];
  readonly result: BindResult;
  readonly after: readonly Holder[];
}

/** Another bind of the same port that might work. */
export interface Alternative {
  readonly id: 'reuse-addr' | 'reuse-port' | 'ipv6-only' | 'ipv4-only' | 'address';
  readonly wish: BindWish;
}

/** Everything the answer is made from. */
export interface WhyInput {
  readonly wish: BindWish;
  readonly usual: boolean;
  /** At least one, unless the bind could not be tried. */
  readonly rounds: readonly WhyRound[];
  /** Holders of the last look, also where nothing could be tried. */
  readonly holders: readonly Holder[];
  /** Alternatives that were tried just now and worked. */
  readonly worked: readonly Alternative[];
  readonly host: BindHost;
  readonly limits: HostLimits;
  readonly platform: string;
  /** Why the child gave no result; null where it did, and where there is no trying as on a recorded host. */
  readonly untried: string | null;
  /** True for a recorded host of which sockets alone are known: who is certainly in the way decides. */
  readonly evidence?: boolean;
  readonly risks: readonly Risk[];
  readonly gaps: readonly Gap[];
  /** How a shell calls this program. */
  readonly call: string;
}

/** Kinds that come and go all the time: their comings and goings alone are no news. */
const FLEETING: ReadonlySet<HolderKind> = new Set(['connection', 'closing']);

/** Does what the kernel said fit the pictures before and after? If not, they changed meanwhile. */
export function fits(wish: BindWish, { before, result, after }: WhyRound, uid: number | null): boolean {
  const may = (holder: Holder, least: Conflict): boolean => {
    const conflict = conflictOf(wish, holder, uid);
    return conflict === 'certain' || (least === 'possible' && conflict === 'possible');
  };
  if (result.ok) {
    return wish.port === 0 || ![...before, ...after].some((holder) => may(holder, 'certain'));
  }
  if (result.errno !== 'EADDRINUSE' || wish.port === 0) return true;
  const there = new Set(before.filter((holder) => may(holder, 'possible')).map(holderKey));
  return after.some((holder) => may(holder, 'possible') && there.has(holderKey(holder)));
}

/** Errors of an address that this host does not have; EINVAL where a link-local one lacks its interface. */
function lacksAddress({ errno }: BindResult, { address }: BindWish): boolean {
  if (errno === 'EINVAL') return needsZone(address);

  return errno === 'EADDRNOTAVAIL' || errno === 'ENODEV';
}

/** fe80::/10 as it is written in practice (RFC 4291 s2.5.6). */
const LINK_LOCAL = /^fe[89ab][0-9a-f]:/i;

/** Does the address mean nothing without its interface? Link-local ones, and groups of that scope (RFC 4007 s11). */
export function needsZone(address: string): boolean {
  return LINK_LOCAL.test(address) || /^ff[0-9a-f]2:/i.test(address);
}

/** Most other addresses that are tried. */
const ADDRESSES_TRIED = 4;

/** Binds that may work where this one failed; they are tried before anybody is told of them. */
export function alternativesTo(
  wish: BindWish,
  result: BindResult,
  holders: readonly Holder[],
  host: BindHost,
): Alternative[] {
  // A bind with SO_REUSEPORT leaves its mark on the port while others hold it: the kernel then takes its address for
  // one that fits all of them (fast_rcv_saddr in inet_csk_get_port), and later binds pass that should not.
  const plain: Reuse = wish.reuse === 'both' ? 'addr' : wish.reuse === 'port' ? 'none' : wish.reuse;
  const quiet: BindWish = { ...wish, reuse: plain, listen: false };
  const others = host.addresses
    .filter(({ family, address, usable }) => usable && family === wish.family && address !== wish.address)
    .filter(({ address }) => !LINK_LOCAL.test(address))
    .slice(0, ADDRESSES_TRIED)
    .map(
      ({ address }): Alternative => ({ id: 'address', wish: { ...quiet, address, zone: null, scope: 0 } }),
    );
  if (lacksAddress(result, wish)) return others;
  if (result.errno !== 'EADDRINUSE' || wish.port === 0) return [];
  const list: Alternative[] = [];
  if (wish.reuse === 'none') list.push({ id: 'reuse-addr', wish: { ...quiet, reuse: 'addr' } });
  const conflicting = holders.filter((holder) => conflictOf(wish, holder, host.uid) !== 'none');
  // Its own address is the one exception; [::] for IPv6 alone would be taken for all of [::].
  const joinable = wish.reuse === plain && wish.v6only !== true;
  if (joinable && conflicting.every(({ uid }) => uid === host.uid)) {
    list.push({ id: 'reuse-port', wish: { ...quiet, reuse: wish.reuse === 'none' ? 'port' : 'both' } });
  }
  if (wish.family === 'ipv6' && wish.address === '::' && wish.v6only !== true) {
    list.push({ id: 'ipv6-only', wish: { ...quiet, v6only: true } });
    list.push({ id: 'ipv4-only', wish: { ...quiet, family: 'ipv4', address: '0.0.0.0', v6only: null } });
  }
  const loopback = host.addresses
    .filter(({ usable, address }) => usable && address === '127.0.0.1' && wish.address === '::')
    .map(
      ({ address }): Alternative => ({
        id: 'address',
        wish: { ...quiet, family: 'ipv4', address, v6only: null },
      }),
    );
  return [...list, ...loopback, ...others];
}

/** The answer. */
export function whyOf(input: WhyInput): WhyDecision {
  const { wish, rounds, host } = input;
  const result = rounds.at(-1)?.result ?? null;
  const known = result ?? (input.evidence === true ? byEvidence(input) : null);
  const changed = changesOf(input);
  const gaps = [...input.gaps];
  let bindable = known === null ? null : known.ok;
  if (result === null) {
    if (input.untried !== null) gaps.push(bindGap('bind-untried', { reason: input.untried }));
  } else if (!result.exact) {
    gaps.push(bindGap('bind-inexact', { reuse: wish.reuse }));
    // A weaker bind that works proves nothing for the asked one; SO_REUSEADDR only ever helps, so that a failure
    // with it is one without it as well.
    if (result.ok || (result.errno === 'EADDRINUSE' && wish.reuse !== 'none')) bindable = null;
  }
  const seen = lastSeen(input);
  const causes = known === null || known.ok ? [] : causesOf(input, known, seen);
  return {
    wish,
    usual: input.usual,
    bindable,
    result,
    causes: causes.map((each) =>
      // What helps there is no command for here.
      input.evidence === true ? { ...each, remedies: [] } : each,
    ),
    notes: notesOf(input, result, seen, new Set(causes.flatMap(({ holders }) => holders))),
    risks: bindable === true ? input.risks : [],
    changed,
    gaps,
  };

  function lastSeen({ holders }: WhyInput): readonly Holder[] {
    // Who stood in the way and has just gone is still the reason.
    const last = rounds.at(-1);
    if (last === undefined || last.result.ok || last.after.some(standsInTheWay)) return holders;
    return [...holders, ...last.before.filter(standsInTheWay)];
  }
  function standsInTheWay(holder: Holder): boolean {
    return conflictOf(wish, holder, host.uid) !== 'none';
  }
}

/**
 * What a bind would have come to on a recorded host. Only a failure can be known: nobody can tell that nothing else stood in
 * the way. The rules are Linux's; on other systems a TCP listener on the very same address is in the way as well.
 */
function byEvidence({ wish, holders, host, platform }: WhyInput): BindResult | null {
  if (keptBack(wish, holders).length > 0) return { ok: false, errno: 'EACCES', step: 'bind', exact: true };
  const inTheWay = holders.some(
    (holder) =>
      conflictOf(wish, holder, host.uid) === 'certain' &&
      (platform === 'linux' ||
        (platform !== 'win32' && holder.state === 'LISTEN' && holder.local.address === wish.address)),
  );
  return inTheWay ? { ok: false, errno: 'EADDRINUSE', step: null, exact: true } : null;
}

function bindGap(code: 'bind-untried' | 'bind-inexact', values: Gap['values']): Gap {
  return { code, values, remedy: null, coversUse: false, transports: [] };
}

/** Who came and who went among those that matter; null where the picture held still. */
function changesOf({ wish, rounds, host }: WhyInput): WhyDecision['changed'] {
  const odd = rounds.some((round) => !fits(wish, round, host.uid));
  const looks = rounds
    .flatMap(({ before, after }) => [before, after])
    .map((holders) =>
      holders.filter(
        (holder) => conflictOf(wish, holder, host.uid) !== 'none' && (odd || !FLEETING.has(holder.kind)),
      ),
    );
  const first = new Set(looks[0]?.map(holderKey));
  const last = new Set(looks.at(-1)?.map(holderKey));
  const unique = (holders: readonly Holder[]): Holder[] => [
    ...new Map(holders.map((holder) => [holderKey(holder), holder])).values(),
  ];
  const came = unique(looks.flat().filter((holder) => !first.has(holderKey(holder))));
  const gone = unique(looks.flat().filter((holder) => !last.has(holderKey(holder))));
  return came.length + gone.length === 0 ? null : { came, gone };
}

function causesOf(input: WhyInput, result: BindResult, holders: readonly Holder[]): Cause[] {
  const { wish, limits } = input;
  const errno = result.errno ?? '';
  switch (errno) {
    case 'EADDRINUSE':
      if (wish.port === 0) return [cause('exhausted', say('why.exhausted', rangeValues(limits)))];
      return inUse(input, holders);
    case 'EACCES':
    case 'EPERM': {
      const kept = keptBack(wish, holders);
      if (errno === 'EACCES' && kept.length > 0) return [excluded(wish, kept)];
      // For low ports the kernel says EACCES; EPERM is the word of seccomp and BPF filters.
      return [errno === 'EACCES' && isPrivileged(input) ? privileged(input) : refused(input, result)];
    }
    case 'EAFNOSUPPORT':
      return [
        cause('family-unsupported', say('why.family', { family: wish.family === 'ipv6' ? 'IPv6' : 'IPv4' }), [
          titled(say('why.remedy.family', { address: wish.family === 'ipv6' ? '0.0.0.0' : '::' })),
        ]),
      ];
    default:
      if (wish.family === 'ipv6' && result.errno === 'EADDRNOTAVAIL') {
        const place = ipv6DisabledOn(input);
        if (place !== null) {
          return [
            cause('family-unsupported', say('why.ipv6.disabled', { address: wish.address }), [
              sysctl(say('why.remedy.ipv6'), `net.ipv6.conf.${place}.disable_ipv6`, '0', '1'),
            ]),
          ];
        }
      }
      if (lacksAddress(result, wish)) return [notHere(input)];
      return [cause('other', say('why.other', { errno: result.errno ?? '?', step: result.step ?? 'bind' }))];
  }
}

/** Ranges that the system keeps back from this very bind. */
function keptBack(wish: BindWish, holders: readonly Holder[]): Holder[] {
  return holders.filter(({ exclusion }) => {
    if (exclusion === undefined || exclusion.transport !== wish.transport) return false;
    const both = wish.family === 'ipv6' && wish.address === '::' && wish.v6only !== true;
    return inRange(wish.port, exclusion.ports) && (both || exclusion.family === wish.family);
  });
}

/** A range of Hyper-V or WinNAT: while WinNAT is stopped, the port can be kept for programs that bind it on purpose. */
function excluded({ port, transport }: BindWish, holders: readonly Holder[]): Cause {
  // A list of which the family was not printed is of a host where nothing is done anyway.
  const families = [...new Set(holders.map(({ exclusion }) => exclusion?.family ?? 'ipv4'))].toSorted();
  const each = (verb: 'add' | 'delete'): string[] =>
    families.map(
      (family) =>
        `netsh int ${family} ${verb} excludedportrange protocol=${transport} startport=${port} numberofports=1 store=persistent`,
    );
  const remedy: Remedy = {
    title: say('why.remedy.excluded'),
    commands: ['net stop winnat', ...each('add'), 'net start winnat'],
    needsRoot: true,
    persistent: true,
    undo: each('delete'),
  };
  const ranges = [...new Set(holders.map(({ exclusion }) => (exclusion?.ports ?? []).join('–')))];
  return cause('excluded', say('why.excluded', { port, ranges: listed(ranges, 3) }), [remedy], holders);
}

/** Where IPv6 is switched off so that the address cannot be here: on all interfaces, or on the one it belongs to. */
function ipv6DisabledOn({ wish, host }: WhyInput): string | null {
  if (host.ipv6Disabled.includes('all')) return 'all';
  const device = wish.address === '::1' ? 'lo' : wish.zone;
  return device !== null && host.ipv6Disabled.includes(device) ? device : null;
}

function cause(
  kind: CauseKind,
  text: Message,
  remedies: readonly Remedy[] = [],
  holders: readonly Holder[] = [],
): Cause {
  return { kind, text, holders, remedies };
}

function titled(title: Message): Remedy {
  return { title, commands: [], needsRoot: false, persistent: true, undo: [] };
}

function sysctl(title: Message, name: string, value: string, before: string): Remedy {
  return {
    title,
    commands: [`sudo sysctl -w ${name}=${value}`],
    needsRoot: true,
    persistent: false,
    undo: [`sudo sysctl -w ${name}=${before}`],
  };
}

function rangeValues(limits: HostLimits): { first: number; last: number } {
  return { first: limits.ephemeral?.[0] ?? 0, last: limits.ephemeral?.[1] ?? 0 };
}

/** Kinds of holders that can be in the way, gravest first. */
const IN_THE_WAY = ['listener', 'bound', 'kernel', 'connection', 'closing'] as const;

/** EADDRINUSE: everybody who is or may be in the way, by kind, then what a narrower bind would avoid. */
function inUse(input: WhyInput, holders: readonly Holder[]): Cause[] {
  const { wish, host, worked } = input;
  const causes: Cause[] = [];
  const conflicts = holders
    .map((holder) => ({ holder, conflict: conflictOf(wish, holder, host.uid) }))
    .filter(({ conflict }) => conflict !== 'none');
  const certain = conflicts.some(({ conflict }) => conflict === 'certain');
  for (const kind of IN_THE_WAY) {
    const group = conflicts.filter(({ holder }) => holder.kind === kind);
    const first = group[0];
    if (first === undefined) continue;
    const sure = group.some(({ conflict }) => conflict === 'certain') || (!certain && conflicts.length === 1);
    const those = group.map(({ holder }) => holder);
    const key = `why.held.${kind}${sure ? '' : '.maybe'}` as const;
    // Nobody is told to reset connections that may well be no hindrance once the listener has gone.
    const helps = sure || !certain;
    const remedies = helps ? holderRemedies(kind, those, input) : [];
    causes.push(cause(kind, say(key, { count: those.length, port: wish.port }), remedies, those));
  }
  if (conflicts.length === 0) return [cause('unseen', say('why.unseen'), otherBinds(worked))];
  const others = otherBinds(worked);
  const crossed = conflicts.map(({ holder }) => holder).filter((holder) => crosses(wish, holder));
  if (crossed.length > 0) {
    const key = wish.family === 'ipv6' ? 'why.dual.wish' : 'why.dual.holder';
    causes.push(cause('dual-stack', say(key), others, crossed));
  } else {
    const first = causes[0];
    if (first !== undefined) causes[0] = { ...first, remedies: [...first.remedies, ...others] };
  }
  return causes;
}

/** Do the two meet only because an IPv6 socket takes IPv4 as well? */
function crosses(wish: BindWish, holder: Holder): boolean {
  const { ipv4, ipv6 } = overlap(wish, holder);
  if (!ipv4 || ipv6) return false;
  const held = holder.local.address === '::';
  return wish.address === '::' ? !held : wish.family === 'ipv4' && held;
}

/** The kernel's timer wheel lets a timer of a minute run up to four seconds late (kernel/time/timer.c, HZ=1000). */
const TIMER_SLACK_SECONDS = 5;
const SECOND = 1000;

/** `kill` looks again at who has the port, and knows whom it must leave alone. */
function stopThem(holders: readonly Holder[], { wish, host, call, holders: all }: WhyInput): Remedy {
  const isForeign = ({ uid, owners, ownerHidden }: Holder): boolean =>
    (uid !== null && uid !== host.uid) || ownerHidden || owners.some(({ inferred }) => inferred);
  const foreign = host.uid !== 0 && holders.some(isForeign);
  const command = `${foreign ? 'sudo ' : ''}${call} kill ${wish.port}/${wish.transport}`;
  // Whoever has the port on another address is not in the way and is to be left alone.
  const beside = all.some(
    (holder) =>
      STOPPED.has(holder.kind) &&
      holder.namespace === null &&
      holder.transport === wish.transport &&
      conflictOf(wish, holder, host.uid) === 'none',
  );
  const addresses = [...new Set(holders.map(({ local }) => local.address))];
  return {
    title: say('why.remedy.stop', { count: holders.length }),
    commands: beside ? addresses.map((address) => `${command} --address ${address}`) : [command],
    needsRoot: foreign,
    persistent: false,
    undo: [],
  };
}

/** Kinds that `kill` stops. */
const STOPPED: ReadonlySet<HolderKind> = new Set(['listener', 'bound']);

/** Where `kill` cannot act: the processes that are surely theirs. */
function stopByHand(holders: readonly Holder[], { host }: WhyInput): Remedy[] {
  const owners = holders.flatMap((holder) => holder.owners).filter(({ inferred }) => !inferred);
  if (owners.length === 0) return [];
  const foreign = host.uid !== 0 && holders.some(({ uid }) => uid !== null && uid !== host.uid);
  const pids = [...new Set(owners.map(({ pid }) => pid))].toSorted((a, b) => a - b);
  return [
    {
      title: say('why.remedy.stop', { count: holders.length }),
      commands: [`${foreign ? 'sudo ' : ''}kill ${pids.join(' ')}`],
      needsRoot: foreign,
      persistent: false,
      undo: [],
    },
  ];
}

function holderRemedies(kind: HolderKind, holders: readonly Holder[], input: WhyInput): Remedy[] {
  const { wish, platform } = input;
  if (kind === 'listener' || kind === 'bound') {
    const airplay = platform === 'darwin' && AIRPLAY_PORTS.has(wish.port);
    if (airplay && holders.some(({ owners }) => owners.some(isAirplay))) return [AIRPLAY_SWITCH];
    return platform === 'linux' ? [stopThem(holders, input)] : stopByHand(holders, input);
  }
  if (kind === 'kernel') {
    return [
      {
        title: say('why.remedy.tunnel'),
        commands: [`ip -d link show | grep -B 2 'dstport ${wish.port} '`],
        needsRoot: false,
        persistent: false,
        undo: [],
      },
    ];
  }
  if (wish.transport !== 'tcp' || platform !== 'linux') return [];
  const remedies: Remedy[] = [];
  if (kind === 'closing' && holders.every(({ freeInMs }) => freeInMs !== null)) {
    const ms = holders.reduce((longest, { freeInMs }) => Math.max(longest, freeInMs ?? 0), 0);
    remedies.push({
      title: say('why.remedy.wait'),
      commands: [`sleep ${Math.ceil(ms / SECOND) + TIMER_SLACK_SECONDS}`],
      needsRoot: false,
      persistent: false,
      undo: [],
    });
  }
  if (kind === 'closing' || kind === 'connection') {
    remedies.push({
      title: say(kind === 'closing' ? 'why.remedy.drop' : 'why.remedy.reset', { count: holders.length }),
      commands: holders.length <= 2 ? holders.map(killSocket) : [killSockets(holders, wish.port)],
      needsRoot: true,
      persistent: false,
      undo: [],
    });
  }
  return remedies;
}

/** Names that ss(8) has for states, where they are not the kernel's own in small letters. */
const SS_STATES: Readonly<Record<string, string>> = { FIN_WAIT1: 'fin-wait-1', FIN_WAIT2: 'fin-wait-2' };

/** One command for many sockets of a port: those in the states, and on the address, that these have. */
function killSockets(holders: readonly Holder[], port: number): string {
  const states = new Set(
    holders.map(({ state }) => SS_STATES[state] ?? state.toLowerCase().replaceAll('_', '-')),
  );
  const [address, ...others] = new Set(holders.map(({ local }) => local.address));
  const where =
    address === undefined || others.length > 0 ? `'sport = :${port}'` : `src ${ssEndpoint(address, port)}`;
  return `sudo ss -K -tn ${[...states].map((state) => `state ${state}`).join(' ')} ${where}`;
}

/** Quoted where it has brackets: some shells take them for a pattern of file names. */
function ssEndpoint(address: string, port: number): string {
  return address.includes(':') ? `'[${address}]:${port}'` : `${address}:${port}`;
}

/** ss(8) ends one socket by SOCK_DESTROY; it writes mapped addresses as it reads them. */
function killSocket({ local, peer }: Holder): string {
  const to = peer === null ? '' : ` dst ${ssEndpoint(peer.address, peer.port)}`;
  return `sudo ss -K -tan src ${ssEndpoint(local.address, local.port)}${to}`;
}

/** Binds that were tried a moment ago and work. */
function otherBinds(worked: readonly Alternative[]): Remedy[] {
  const has = (id: Alternative['id']): boolean => worked.some((other) => other.id === id);
  const remedies: Remedy[] = [];
  if (has('reuse-addr')) remedies.push(titled(say('why.remedy.reuse-addr')));
  else if (has('reuse-port')) remedies.push(titled(say('why.remedy.reuse-port')));
  if (has('ipv6-only')) remedies.push(titled(say('why.remedy.ipv6-only')));
  if (has('ipv4-only')) remedies.push(titled(say('why.remedy.ipv4-only')));
  const addresses = worked.filter(({ id }) => id === 'address').map(({ wish }) => wish.address);
  if (addresses.length > 0 && !has('ipv4-only') && !has('ipv6-only') && !has('reuse-addr')) {
    remedies.push(
      titled(say('why.remedy.address', { count: addresses.length, addresses: { list: addresses } })),
    );
  }
  return remedies;
}

function isPrivileged({ wish, limits, host }: WhyInput): boolean {
  const from = limits.unprivilegedFrom ?? 1024;
  if (wish.port === 0 || wish.port >= from) return false;
  return host.mayBindLow !== true || host.userNamespace;
}

function privileged({ wish, limits, host }: WhyInput): Cause {
  const from = limits.unprivilegedFrom ?? 1024;
  const key = host.mayBindLow === true ? 'why.privileged.userns' : 'why.privileged';
  return cause('privileged', say(key, { port: wish.port, from }), [
    {
      title: say('why.remedy.unit'),
      commands: [],
      needsRoot: true,
      persistent: true,
      undo: [],
    },
    {
      title: say('why.remedy.setcap'),
      commands: ["sudo setcap 'cap_net_bind_service=+ep' PROGRAM"],
      needsRoot: true,
      persistent: true,
      undo: ['sudo setcap -r PROGRAM'],
    },
    sysctl(
      say('why.remedy.start', { port: wish.port }),
      'net.ipv4.ip_unprivileged_port_start',
      String(wish.port),
      String(from),
    ),
  ]);
}

/** Nothing else explains a refusal: named as what it may be. */
function refused({ host }: WhyInput, { errno }: BindResult): Cause {
  const suspects: Message[] = [];
  if (host.confinedBy !== null) suspects.push(say('why.suspect.label', { label: host.confinedBy }));
  const modules = (host.modules ?? []).filter((name) => MAY_REFUSE.has(name));
  if (modules.length > 0) suspects.push(say('why.suspect.modules', { names: modules.join(', ') }));
  if (host.seccomp === true) suspects.push(say('why.suspect.seccomp'));
  suspects.push(say('why.suspect.bpf'));
  return cause(
    'security-module',
    say('why.refused', { errno: errno ?? 'EACCES', suspects: { list: suspects } }),
    [
      {
        title: say('why.remedy.log'),
        commands: ["sudo dmesg | grep -iE 'denied|seccomp|landlock'"],
        needsRoot: true,
        persistent: false,
        undo: [],
      },
    ],
  );
}

/** Modules that can refuse a bind; the others of the list guard other things. */
const MAY_REFUSE: ReadonlySet<string> = new Set([
  'selinux',
  'apparmor',
  'smack',
  'tomoyo',
  'landlock',
  'bpf',
]);

function notHere(input: WhyInput): Cause {
  const { wish, host, worked, rounds } = input;
  const errno = rounds.at(-1)?.result.errno;
  const own = host.addresses.find(({ address }) => address === wish.address);
  if (needsZone(wish.address) && (errno === 'EINVAL' || errno === 'ENODEV')) {
    const zones = own === undefined ? host.addresses.map(({ device }) => device) : [own.device];
    const names = [...new Set(zones)].slice(0, ADDRESSES_TRIED).join(', ');
    const key = wish.zone === null ? 'why.zone.missing' : 'why.zone.unknown';
    // An interface is only named where it has the address; a group can be joined on any.
    const zone = own?.device ?? (LINK_LOCAL.test(wish.address) ? 'INTERFACE' : (zones[0] ?? 'INTERFACE'));
    return cause('address-not-here', say(key, { address: wish.address, zone: wish.zone ?? '', names }), [
      titled(say('why.remedy.zone', { address: `${wish.address}%${zone}` })),
    ]);
  }
  if (own !== undefined && !own.usable) {
    const text = say('why.tentative', { address: wish.address, device: own.device });
    return cause('address-not-here', text, [titled(say('why.remedy.tentative', { device: own.device }))]);
  }
  const here = host.addresses
    .filter(({ family, address }) => family === wish.family && !LINK_LOCAL.test(address))
    .map(({ address }) => address);
  const text = say(here.length === 0 ? 'why.nothere.none' : 'why.nothere', {
    address: wish.address,
    family: wish.family === 'ipv6' ? 'IPv6' : 'IPv4',
    addresses: { list: here.slice(0, HERE_SHOWN) },
    count: here.length,
  });
  const v4 = wish.family === 'ipv4' || mappedIpv4(wish.address) !== null;
  const plain = mappedIpv4(wish.address) ?? wish.address;
  const any = wish.family === 'ipv6' ? '::' : '0.0.0.0';
  const device = wish.zone ?? 'lo';
  return cause('address-not-here', text, [
    ...(worked.length === 0
      ? [titled(say('why.remedy.any', { any }))]
      : [
          titled(
            say('why.remedy.here', { any, addresses: { list: worked.map((other) => other.wish.address) } }),
          ),
        ]),
    {
      title: say('why.remedy.add'),
      commands: [`sudo ip addr add ${plain}/${v4 ? 32 : 128} dev ${device}`],
      needsRoot: true,
      persistent: false,
      undo: [`sudo ip addr del ${plain}/${v4 ? 32 : 128} dev ${device}`],
    },
    sysctl(say('why.remedy.nonlocal'), `net.${v4 ? 'ipv4' : 'ipv6'}.ip_nonlocal_bind`, '1', '0'),
  ]);
}

/** Most addresses of this host that are named. */
const HERE_SHOWN = 8;

/** What is no reason and still matters; `blamed` are the holders of the reasons. */
function notesOf(
  input: WhyInput,
  result: BindResult | null,
  holders: readonly Holder[],
  blamed: ReadonlySet<Holder>,
): WhyNote[] {
  const { wish, host, limits } = input;
  const notes: WhyNote[] = [];
  const add = (
    kind: WhyNote['kind'],
    severity: WhyNote['severity'],
    text: Message,
    those: readonly Holder[] = [],
  ): void => {
    notes.push({ kind, severity, text, holders: those });
  };
  if (wish.port === 0) {
    if (result?.ok === true) add('any-port', 'info', say('why.note.any', rangeValues(limits)));
    return notes;
  }
  const sockets = holders.filter((holder) => holder.namespace === null && holder.redirect === null);
  const rules = holders.filter((holder) => holder.namespace === null && holder.redirect !== null);
  const elsewhere = holders.filter((holder) => holder.namespace !== null);
  const conflicts = (holder: Holder): Conflict => conflictOf(wish, holder, host.uid);
  if (rules.length > 0) add('redirect', 'high', say('why.note.redirect', { port: wish.port }), rules);
  if (result?.ok === true) {
    const shared = sockets.filter((holder) => conflicts(holder) !== 'none' && !FLEETING.has(holder.kind));
    if (shared.length > 0) {
      const key = wish.transport === 'udp' ? 'why.note.shared.udp' : 'why.note.shared.tcp';
      add('shared', 'high', say(key, { count: shared.length }), shared);
    }
    const passed = sockets.filter((holder) => conflicts(holder) !== 'none' && FLEETING.has(holder.kind));
    if (passed.length > 0)
      add('reuse-needed', 'low', say('why.note.reuse', { count: passed.length }), passed);
  }
  // What keeps this very bind back is a cause, and neither beside it nor allowed on purpose.
  const kept = new Set(keptBack(wish, sockets));
  const beside = sockets.filter((holder) => conflicts(holder) === 'none' && !kept.has(holder));
  if (beside.length > 0) add('beside', 'info', say('why.note.beside', { count: beside.length }), beside);
  if (result === null) {
    const may = sockets.filter((holder) => conflicts(holder) !== 'none' && !blamed.has(holder));
    if (may.length > 0) add('shared', 'medium', say('why.note.untried', { count: may.length }), may);
  }
  if (elsewhere.length > 0) {
    add('namespace', 'info', say('why.note.namespace', { count: elsewhere.length }), elsewhere);
  }
  if (kept.size === 0 && limits.reserved?.some((range) => inRange(wish.port, range)) === true) {
    add('reserved', 'info', say('why.note.reserved', { port: wish.port }));
  }
  return notes;
}
