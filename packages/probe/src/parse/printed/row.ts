// What parsers of printed output make: sockets in the model's words, lines that were not understood, what a tool showed.
import type {
  Endpoint,
  Exclusion,
  Gap,
  HolderKind,
  Owner,
  PortRange,
  Published,
  Redirect,
  Socket,
  SocketState,
  Transport,
} from '@portolan/core';

/** Every form of output that is understood, by tool and form; what `--as` takes. */
export const PRINTED_FORMATS = [
  'ss', 'lsof', 'lsof-fields', 'lsof-json', 'netstat', 'netstat-bsd', 'netstat-windows', 'netsh', 'powershell-json',
  'nmap-xml', 'nmap-grepable', 'docker-table', 'docker-json', 'kubectl-json', 'osquery-json', 'portolan-json',
] as const; // biome-ignore format: one list reads better

/** A form of output. `netstat` is the one of Linux: net-tools, BusyBox and toybox. */
export type PrintedFormat = (typeof PRINTED_FORMATS)[number];

/**
 * Why a line was not understood: `unrecognised` like no tool's output; `cut` a row that breaks off; `port` a number that is
 * no port; `port-name` a service name that stands for no port or for several; `transport` a port of a transport that was not
 * printed; `too-long`; `json` no JSON, or broken off; `json-shape` JSON of no tool that is known.
 * kept.
 */
export type UnknownReason =
  | 'unrecognised'
  | 'cut'
  | 'port'
  | 'port-name'
  | 'transport'
  | 'too-long'
  | 'json'
  | 'json-shape';

/** A line that was not understood. */
export interface UnknownLine {
  /** Counted from 1. */
  readonly line: number;
  /** Its first 200 characters. */
  readonly text: string;
  readonly reason: UnknownReason;
}

/** One hold that a tool printed. `lines` are the first and last line that tell it, from 1. */
export type PrintedRow =
  | {
      readonly kind: HolderKind;
      readonly format: PrintedFormat;
      readonly lines: readonly [number, number];
      readonly socket: Socket;
    }
  | {
      readonly kind: 'redirect';
      readonly format: PrintedFormat;
      readonly lines: readonly [number, number];
      readonly redirect: Redirect;
    }
  | ({
      readonly kind: 'range';
      readonly format: PrintedFormat;
      readonly lines: readonly [number, number];
    } & PrintedRange &
      Pick<PrintedRanges, 'list' | 'transport' | 'family'>);

/** A run of ports that a tool printed. */
export interface PrintedRange {
  readonly ports: PortRange;
  /** Kept back by an administrator: never chosen automatically, and free to be bound on purpose. */
  readonly administered: boolean;
}

/** A list of ports that Windows hands out or keeps back, as netsh printed it. */
export interface PrintedRanges {
  readonly list: 'excluded' | 'dynamic';
  /** null where that was not printed. */
  readonly transport: 'tcp' | 'udp' | null;
  /** Only the command that was typed tells it; null without. */
  readonly family: 'ipv4' | 'ipv6' | null;
  /** Where it begins, from 1. */
  readonly line: number;
  readonly ranges: readonly PrintedRange[];
}

/** A socket that may still learn more from later lines: another owner, or what `*` meant. */
export type Draft = { -readonly [K in keyof Socket]: Socket[K] } & { owners: Owner[] };

/** What a parser tells of a socket; what is left out was not printed. */
export interface Told {
  readonly transport: Transport;
  readonly family: 'ipv4' | 'ipv6';
  readonly local: Endpoint;
  readonly peer: Endpoint | null;
  readonly state: SocketState;
  /** 0: the tool says that no process has it. */
  readonly inode?: number | null;
  readonly uid?: number | null;
  readonly user?: string | null;
  readonly owners?: readonly Owner[];
  readonly device?: string | null;
  readonly freeInMs?: number | null;
  readonly ipv6Only?: boolean | null;
  readonly mptcp?: boolean;
  readonly publishes?: Published | null;
}

/** What one run of a tool showed, from which its gaps follow. */
export interface Shown {
  readonly format: PrintedFormat;
  rows: number;
  listeners: number;
  /** TCP rows that listen, and that do not. */
  tcpListeners: number;
  tcpOthers: number;
  bound: number;
  closing: number;
  readonly transports: Set<Transport>;
  /** Rows without an owner that a process must have. */
  ownerless: number;
  owned: number;
  readonly users: Set<string>;
  /** Addresses that were printed as names, or cut. */
  named: number;
  /** Words for a state that no language told us. */
  readonly words: Set<string>;
  readonly hosts: Set<string>;
  /** Gaps that the output itself tells. */
  readonly said: Gap[];
}

/** Where parsers put what they understand. */
export interface Out {
  readonly shown: Shown;
  /** The draft, or null where no more rows are kept. */
  socket(told: Told, first: number, last?: number): Draft | null;
  /** A socket as it was saved, with all that is known of it. */
  saved(socket: Socket, first: number, last: number): void;
  redirect(redirect: Redirect, first: number, last: number): void;
  /** A port range that was saved as a holder. */
  excluded(exclusion: Exclusion, first: number, last: number): void;
  /** Begins a list, which may stay empty; the result takes its ranges with their lines. */
  ranges(
    list: PrintedRanges['list'],
    of: Pick<PrintedRanges, 'transport' | 'family'>,
    line: number,
  ): (range: PrintedRange, line: number) => void;
  unknown(line: number, text: string, reason: UnknownReason): void;
  /** The one port that a service name stands for; null for none or several. */
  portOf(name: string, transport: Transport): number | null;
}

/** A run of lines of one tool. */
export interface Section {
  /** Takes a line; false where it is none of this tool's. `above`: up to two lines right before that nobody took. */
  line(text: string, number: number, raw: string, above: readonly string[]): boolean;
  /** How many of those are headings of the line that was taken last; none where it is left out. */
  readonly headings?: number;
  /** No more lines come. */
  end?(): void;
}

/** How a tool's output is known by its lines. */
export interface Recogniser {
  readonly format: PrintedFormat;
  /** A line with which only this tool's output begins. */
  readonly heading: RegExp | null;
  /** A row without any heading above it. */
  readonly row: RegExp | null;
  /** Does a line begin it because of what stands above? */
  begins?(line: string, above: readonly string[]): boolean;
  open(out: Out): Section;
}

/** V8 keeps shorter pieces of a text by themselves. */
const PIECE_SHARED = 13;

/**
 * The text by itself. A piece cut out of a longer one keeps all of that in memory, so that some rows among much else would
 * keep everything.
 */
export function alone(text: string): string {
  return text.length < PIECE_SHARED ? text : Array.from(text).join('');
}

/** A process of which pid and name alone are known. */
export function owner(pid: number, name: string, user: string | null = null): Owner {
  return {
    pid,
    startedAt: null,
    name: alone(name),
    exe: null,
    argv: null,
    cwd: null,
    user: user === null ? null : alone(user),
    unit: null,
    container: null,
    launchedBy: [],
    inferred: false,
  };
}

/**
 * The socket. Where no inode was printed, one is made up from `nth`, below zero: it tells sockets apart and is none of the
 * kernel's.
 */
export function draftOf(told: Told, nth: number): Draft {
  const owners = (told.owners ?? []).filter(({ pid }) => pid > 0);
  const nobody = told.state === 'TIME_WAIT' && owners.length === 0;
  return {
    transport: told.transport,
    family: told.family,
    local: placeAlone(told.local),
    peer: told.peer === null ? null : placeAlone(told.peer),
    state: told.state,
    inode: told.inode ?? (nobody ? 0 : -nth),
    uid: told.uid ?? null,
    user: textAlone(told.user),
    freeInMs: told.freeInMs ?? null,
    ipv6Only: told.family === 'ipv4' ? null : (told.ipv6Only ?? null),
    owners,
    ownersComplete: false,
    moreOwners: false,
    kernel: false,
    namespace: null,
    device: textAlone(told.device),
    mptcp: told.mptcp ?? false,
    activation: null,
    publishes: told.publishes ?? null,
  };
}

function placeAlone({ address, port }: Endpoint): Endpoint {
  return { address: alone(address), port };
}

function textAlone(text: string | null | undefined): string | null {
  return text === null || text === undefined ? null : alone(text);
}
