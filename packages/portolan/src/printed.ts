// Reads what tools printed, from a file or standard input, a piece at a time, and makes a snapshot of it.
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { TextDecoder } from 'node:util';
import {
  commonRanges,
  type Exclusion,
  type Gap,
  type HostLimits,
  inRange,
  joinRanges,
  PortolanError,
  type Snapshot,
  type Socket,
  type Transport,
} from '@portolan/core';
import type { Facts } from '@portolan/facts';
import type { ProbeRequest } from '@portolan/probe';
import {
  type PrintedFormat,
  type PrintedRanges,
  PrintedReader,
  type PrintedReading,
} from '@portolan/probe/printed';
import { DOCUMENTS } from '@portolan/probe/printed/documents';
import { echo } from './flags.ts';

/** Bytes that are read at once. */
const PIECE = 1 << 16;

/** What was read, and from when it is. */
export interface PrintedFile {
  readonly reading: PrintedReading;
  /** When a file was written, else when it was read. */
  readonly takenAt: Date;
}

/** Reads `path`, or standard input for `-`. Throws USAGE for what cannot be read. */
export function readPrintedFile(path: string, facts: Facts, as: PrintedFormat | null): PrintedFile {
  const reader = new PrintedReader({
    as,
    documents: DOCUMENTS,
    portOf: (name, transport) => portOfName(facts, name, transport),
  });
  let fd: number | null = null;
  try {
    fd = path === '-' ? 0 : openSync(path, 'r');
    const stat = fstatSync(fd);
    if (stat.isDirectory()) throw new PortolanError('USAGE', `${echo(path)} is a folder.`);
    const decoder = new Decoding();
    for (let bytes = nextPiece(fd); bytes !== null; bytes = nextPiece(fd)) reader.feed(decoder.text(bytes));
    reader.feed(decoder.rest());
    return { reading: reader.end(), takenAt: stat.isFile() ? stat.mtime : new Date() };
  } catch (error) {
    if (error instanceof PortolanError) throw error;
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    const what = path === '-' ? 'Standard input' : echo(path);
    throw new PortolanError(
      'USAGE',
      `${what} cannot be read${code === 'ENOENT' ? ': there is no such file' : ` (${code})`}.`,
      {
        hint: 'Save what a tool printed, as in: ss -tuanp > sockets.txt; or pipe it: ss -tuanp | portolan read -',
      },
    );
  } finally {
    if (fd !== null && fd !== 0) closeSync(fd);
  }
}

/** The next bytes; null at the end. */
function nextPiece(fd: number): Buffer | null {
  const bytes = Buffer.allocUnsafe(PIECE);
  for (;;) {
    try {
      const got = readSync(fd, bytes, 0, PIECE, null);
      return got === 0 ? null : bytes.subarray(0, got);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // Windows says so at the end of a pipe.
      if (code === 'EOF') return null;
      if (code !== 'EAGAIN') throw error;
      // A pipe or terminal that was set to non-blocking by somebody has nothing yet: wait a moment without spinning.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
}

/** Bytes to text: UTF-8, or UTF-16 where a mark says so, as PowerShell's `>` writes it. */
class Decoding {
  #decoder: TextDecoder | null = null;
  #first: Buffer = Buffer.alloc(0);

  text(bytes: Buffer): string {
    if (this.#decoder !== null) return this.#decoder.decode(bytes, { stream: true });
    // A pipe may bring the mark in two pieces.
    this.#first = this.#first.length === 0 ? bytes : Buffer.concat([this.#first, bytes]);
    return this.#first.length < 2 ? '' : this.#begin();
  }

  rest(): string {
    const before = this.#decoder === null ? this.#begin() : '';
    return before + (this.#decoder?.decode() ?? '');
  }

  #begin(): string {
    const [one, two] = this.#first;
    const name =
      one === 0xff && two === 0xfe ? 'utf-16le' : one === 0xfe && two === 0xff ? 'utf-16be' : 'utf-8';
    this.#decoder = new TextDecoder(name);
    return this.#decoder.decode(this.#first, { stream: true });
  }
}

/** The one port that a service name has on a transport; null for none or several. */
function portOfName(facts: Facts, name: string, transport: Transport): number | null {
  const places = facts.portsOfName(name.toLowerCase()) ?? [];
  const ports = new Set(
    places
      .filter((place) => !place.includes('/') || place.endsWith(`/${transport}`))
      .map((place) => Number.parseInt(place, 10)),
  );
  const [port] = ports;
  return ports.size === 1 && port !== undefined ? port : null;
}

/** Systems whose tools print so (values of process.platform). */
const PLATFORMS: Readonly<Partial<Record<PrintedFormat, string>>> = {
  ss: 'linux',
  netstat: 'linux',
  'portolan-json': 'linux',
  'netstat-windows': 'win32',
  netsh: 'win32',
  'powershell-json': 'win32',
};

/** The reading as a host at another time, as far as `request` asks for it. */
export function printedSnapshot(
  { reading, takenAt }: PrintedFile,
  path: string,
  request: Pick<ProbeRequest, 'ports' | 'transports' | 'namespaces'>,
): Snapshot {
  const { ports, transports } = request;
  const asked = (socket: Socket): boolean =>
    (ports === null || inRange(socket.local.port, ports)) &&
    transports.includes(socket.transport) &&
    (request.namespaces !== false || socket.namespace === null);
  const platforms = new Set(
    reading.formats.map((format) => PLATFORMS[format] ?? null).filter((each) => each !== null),
  );
  const [platform = 'unknown'] = platforms;
  return {
    platform: platforms.size === 1 ? platform : 'unknown',
    release: null,
    takenAt: takenAt.toISOString(),
    via: 'printed',
    limits: limitsOf(reading.ranges),
    ephemeralUse: null,
    sockets: reading.sockets.filter(asked),
    redirects: reading.redirects,
    exclusions: exclusionsOf(reading).filter(
      ({ transport, ports: [first, last] }) =>
        transports.includes(transport) && (ports === null || (first <= ports[1] && last >= ports[0])),
    ),
    gaps: [...reading.gaps, recordedGap(path)],
  };
}

/**
 * What the host hands out and never chooses by itself, as far as the lists tell of which transport they are: the range of TCP
 * before that of UDP, and what stands in every list. Gaps name the lists that were not printed.
 */
function limitsOf(printed: readonly PrintedRanges[]): HostLimits {
  const known = printed.filter(({ transport }) => transport !== null);
  const dynamic = known.filter(({ list }) => list === 'dynamic');
  const given = dynamic.find(({ transport }) => transport === 'tcp') ?? dynamic[0];
  const kept = known
    .filter(({ list }) => list === 'excluded')
    .map(({ ranges }) => joinRanges(ranges.map(({ ports }) => ports)));
  return {
    ephemeral: given?.ranges[0]?.ports ?? null,
    reserved: kept.length === 0 ? null : kept.reduce(commonRanges),
    unprivilegedFrom: null,
  };
}

/** What nobody can bind; administrators' ranges may be bound on purpose. */
function exclusionsOf({ ranges, exclusions }: PrintedReading): Exclusion[] {
  const printed = ranges.flatMap(({ list, transport, family, ranges: rows }) =>
    list === 'dynamic' || transport === null
      ? []
      : rows
          .filter(({ administered }) => !administered)
          .map(({ ports }): Exclusion => ({ transport, family, ports })),
  );
  return [...exclusions, ...printed];
}

/** What was printed is a host at another time. */
export function recordedGap(path: string): Gap {
  return {
    code: 'recorded-host',
    values: { path: path === '-' ? '/dev/stdin' : path },
    remedy: null,
    coversUse: false,
    transports: [],
  };
}
