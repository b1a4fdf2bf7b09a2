// Tries a bind between two looks, and again while the picture changes: what the program and the library share.
import { isIP, isIPv4, isIPv6 } from 'node:net';
import {
  type Alternative,
  alternativesTo,
  type BindHost,
  type BindTrial,
  type BindWish,
  fits,
  type Holder,
  holdersOf,
  mappedIpv4,
  needsZone,
  PortolanError,
  REUSES,
  type Reuse,
  type Risk,
  type Snapshot,
  type WhyDecision,
  type WhyRound,
  whyOf,
} from '@portolan/core';
import type { ProbeRequest } from '@portolan/probe';
import { echo } from './flags.ts';

/** The bind as somebody asks for it. */
export interface AskedBind {
  readonly port: number;
  readonly transport: 'tcp' | 'udp';
  readonly address?: string;
  readonly family?: string;
  readonly reuse?: string;
}

/** What the work is done with. */
export interface WhyTools {
  /** Looks at the port; `whole` also asks for limits, the use of the ephemeral range and other namespaces. */
  look(whole: boolean): Promise<Snapshot>;
  /** Tries a bind; null where there is no trying, as on a recorded host. */
  readonly attempt: ((wish: BindWish) => Promise<BindTrial>) | null;
  host(): Promise<BindHost>;
  /** What could go wrong with a service on the port, as the report tells it. */
  risks(snapshot: Snapshot): Promise<readonly Risk[]>;
  readonly call: () => string;
  /** True for a recorded host of which sockets alone are known. */
  readonly evidence?: boolean;
}

/** What is looked for the first time, and what again: limits and other namespaces do not matter to the bind. */
export function lookFor(
  whole: boolean,
): Required<Pick<ProbeRequest, 'countEphemeral' | 'limits' | 'namespaces'>> {
  return { countEphemeral: whole, limits: whole, namespaces: whole };
}

/** Rounds before the picture is told to be restless. */
const ROUNDS = 3;

/** An interface number that no interface has: the kernel says ENODEV of it, as of any name that is none. */
const NO_INTERFACE = 0x7fff_ffff;

/** The bind that stands for these words; throws USAGE. Called before anything is looked at. */
export function checkAsked({ transport, address, family, reuse }: AskedBind): {
  readonly address: string | null;
  readonly zone: string | null;
  readonly family: 'ipv4' | 'ipv6' | null;
  readonly reuse: Reuse;
} {
  if (family !== undefined && family !== '4' && family !== '6') {
    throw new PortolanError('USAGE', `--family takes 4 or 6, not “${echo(family)}”.`);
  }
  // Nearly every TCP server sets SO_REUSEADDR; UDP servers do not, for there it lets others in.
  const known = REUSES.find((word) => word === (reuse ?? (transport === 'tcp' ? 'addr' : 'none')));
  if (known === undefined) {
    throw new PortolanError('USAGE', `--reuse takes ${REUSES.join(', ')}, not “${echo(reuse ?? '')}”.`, {
      hint: 'addr is SO_REUSEADDR, which most servers set; port is SO_REUSEPORT; both; none.',
    });
  }
  const wanted = family === undefined ? null : family === '4' ? 'ipv4' : 'ipv6';
  if (address === undefined) return { address: null, zone: null, family: wanted, reuse: known };
  const bare = /^\[(.*)\]$/s.exec(address)?.[1] ?? address;
  const [host = '', zone = null, ...more] = bare.split('%');
  const bracketed = bare !== address;
  if (isIP(host) === 0 || more.length > 0 || zone === '' || (bracketed && !isIPv6(host))) {
    throw new PortolanError('USAGE', `--address: “${echo(address)}” is not an IP address.`, {
      hint: 'Write it as 127.0.0.1, ::1, [::1] or fe80::1%eth0; names are not looked up.',
    });
  }
  if (zone !== null && (!needsZone(host) || !/^[\w.:@-]{1,15}$/.test(zone))) {
    throw new PortolanError('USAGE', `--address: “${echo(address)}” has a zone that cannot be.`, {
      hint: 'A zone is the name or number of an interface and stands on link-local addresses (fe80::…, ff02::…) alone.',
    });
  }
  const own = isIPv4(host) ? 'ipv4' : 'ipv6';
  if (wanted !== null && wanted !== own) {
    const mapped = mappedIpv4(host);
    throw new PortolanError(
      'USAGE',
      `--family ${family} and --address ${echo(address)} contradict each other.`,
      {
        hint:
          mapped === null ? 'An address has its family: leave --family out.' : `For IPv4 write ${mapped}.`,
      },
    );
  }
  return { address: canonical(host), zone, family: wanted, reuse: known };
}

/** RFC 5952 form, in which the kernel's tables are told. */
function canonical(host: string): string {
  if (isIPv4(host)) return host;
  const text = new URL(`http://[${host}]/`).hostname.slice(1, -1);
  // The URL standard writes the IPv4 part of a mapped address in hexadecimal.
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(text);
  if (mapped === null) return text;
  const [high, low] = [Number.parseInt(mapped[1] ?? '', 16), Number.parseInt(mapped[2] ?? '', 16)];
  return `::ffff:${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
}

/** The exact bind: what was asked, and what servers do where nothing was. */
function wishOf(asked: AskedBind, host: BindHost): BindWish {
  const { address, zone, family, reuse } = checkAsked(asked);
  // What Node, Go and Java servers bind by default: every address of both families, where there is IPv6.
  const any = family === 'ipv4' || !host.ipv6 ? '0.0.0.0' : '::';
  const where = address ?? (family === 'ipv6' ? '::' : any);
  const own = isIPv4(where) ? 'ipv4' : 'ipv6';
  const index = host.addresses.find(({ device, index: number }) => device === zone && number !== null)?.index;
  return {
    transport: asked.transport,
    port: asked.port,
    family: own,
    address: where,
    zone,
    scope: zone === null ? 0 : /^\d{1,9}$/.test(zone) ? Number(zone) : (index ?? NO_INTERFACE),
    v6only: own === 'ipv4' ? null : where === '::' && family === 'ipv6',
    reuse,
    listen: asked.transport === 'tcp' && reuse !== 'port' && reuse !== 'both',
  };
}

/** Looks, tries, looks again; up to three times while the pictures and the kernel contradict each other. */
export async function explainBind(asked: AskedBind, tools: WhyTools): Promise<WhyDecision> {
  const host = await tools.host();
  let wish = wishOf(asked, host);
  const all = (snapshot: Snapshot): Holder[] => holdersOf(snapshot, [wish.port, wish.port], [wish.transport]);
  const seen = (snapshot: Snapshot): Holder[] => all(snapshot).filter((holder) => holder.namespace === null);
  const first = await tools.look(true);
  const elsewhere = all(first).filter((holder) => holder.namespace !== null);
  let last = first;
  let untried: string | null = null;
  const rounds: WhyRound[] = [];
  while (tools.attempt !== null && rounds.length < ROUNDS) {
    const before = seen(last);
    let trial = await tools.attempt(wish);
    if (isWithoutIpv6(asked, trial)) {
      wish = { ...wish, family: 'ipv4', address: '0.0.0.0', v6only: null };
      trial = await tools.attempt(wish);
    }
    if (trial.kind === 'untried') {
      untried = rounds.length === 0 ? trial.reason : null;
      break;
    }
    last = await tools.look(false);
    const round: WhyRound = { before, result: trial.result, after: seen(last) };
    rounds.push(round);
    if (fits(wish, round, host.uid)) break;
  }
  const holders = [...seen(last), ...elsewhere];
  const result = rounds.at(-1)?.result;
  const worked: Alternative[] = [];
  if (result !== undefined && !result.ok && tools.attempt !== null) {
    for (const other of alternativesTo(wish, result, holders, host)) {
      const trial = await tools.attempt(other.wish);
      if (trial.kind === 'tried' && trial.result.ok && trial.result.exact) worked.push(other);
    }
  }
  return whyOf({
    wish,
    usual: asked.address === undefined && asked.family === undefined && asked.reuse === undefined,
    rounds,
    holders,
    worked,
    host,
    limits: first.limits,
    platform: first.platform,
    untried,
    evidence: tools.evidence === true,
    risks:
      result?.ok === true && wish.port !== 0
        ? (await tools.risks(first)).filter(({ id }) => id !== 'in-use')
        : [],
    gaps: [
      ...first.gaps,
      // Who came later may have what the first look had nothing of.
      ...last.gaps.filter(({ code }) => first.gaps.every((gap) => gap.code !== code)),
    ],
    call: tools.call(),
  });
}

/** A default bind goes to IPv4 where there is no IPv6, as servers do. */
function isWithoutIpv6({ address, family }: AskedBind, trial: BindTrial): boolean {
  return (
    address === undefined &&
    family === undefined &&
    trial.kind === 'tried' &&
    trial.result.errno === 'EAFNOSUPPORT'
  );
}
