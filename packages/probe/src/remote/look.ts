// A machine's answer as a snapshot: by the Linux backend where it has a /proc, else by the reader of what tools print.
import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inRange, PortolanError, type PortRange, type Snapshot } from '@portolan/core';
import type { ProbeRequest, RecordedHost } from '../backend.ts';
import type { RemoteAnswer } from './conversation.ts';
import { writeProcFiles } from './proc-files.ts';

/** Looks at a machine's answer as at a host. `takenAt` is when it came. */
export async function lookAtAnswer(
  answer: RemoteAnswer,
  request: Pick<ProbeRequest, 'ports' | 'transports' | 'countEphemeral' | 'serviceAddress' | 'limits'>,
  takenAt: Date,
): Promise<Snapshot> {
  return answer.round > 0 ? throughProc(answer, request, takenAt) : throughPrinted(answer, request, takenAt);
}

/** Written, read and removed in one turn of the event loop: no signal that is handled comes between. */
async function throughProc(answer: RemoteAnswer, request: ProbeRequest, takenAt: Date): Promise<Snapshot> {
  const { linuxBackend } = await import('../linux/backend.ts');
  const recorded: RecordedHost = {
    passwd: textOf(answer, 'passwd'),
    root: textOf(answer, 'uid').trim() === '0',
    byteOrder: answer.frames.get('elf')?.[5] === BIG_ENDIAN ? 'BE' : 'LE',
    allUsersMapped: isWholeMap(textOf(answer, 'mapped')),
  };
  const root = written(answer, request.ports);
  let looked: Promise<Snapshot>;
  try {
    looked = linuxBackend.look({ ...request, procRoot: root, recorded });
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
  const snapshot = await looked;
  return {
    ...snapshot,
    takenAt: takenAt.toISOString(),
    gaps: snapshot.gaps
      .filter(({ code }) => code !== 'recorded-host')
      .map((gap) => ({ ...gap, values: withoutRoot(gap.values, root) })),
  };
}

/** Memory that is a file system (Linux): a link a descriptor takes a hundredth of the time that a disk takes. */
const MEMORY = '/dev/shm';

/** A new folder of ours with the files, for nobody else to read. */
function written(answer: RemoteAnswer, ports: PortRange | null): string {
  const places = process.env['TMPDIR'] === undefined ? [MEMORY, tmpdir()] : [tmpdir()];
  let failure: unknown;
  for (const place of places) {
    const root = join(place, `portolan-host-${process.pid}-${randomBytes(9).toString('hex')}`);
    try {
      // One of that name that is there already is an error: nobody else's is written into.
      mkdirSync(root, { mode: 0o700 });
      writeProcFiles(answer, ports, root);
      return root;
    } catch (error) {
      // The first may be small, or not there: then the second.
      failure = error;
      rmSync(root, { recursive: true, force: true });
    }
  }
  throw notWritten(failure);
}

function notWritten(error: unknown): PortolanError {
  const { code = 'unknown error' } = error as NodeJS.ErrnoException;
  return new PortolanError('REMOTE', `The answer could not be written into a temporary folder (${code}).`, {
    hint: `It is made below ${tmpdir()}; TMPDIR names another place.`,
    cause: error,
  });
}

/** EI_DATA of an ELF file: 1 for little, 2 for big endian (man elf(5)). */
const BIG_ENDIAN = 2;

function isWholeMap(text: string): boolean {
  return /^\s*0\s+0\s+4294967295\s*$/.test(text);
}

/** Paths are those over there. */
function withoutRoot(
  values: Readonly<Record<string, string | number>>,
  root: string,
): Record<string, string | number> {
  return Object.fromEntries(
    Object.entries(values).map(([key, value]) => [
      key,
      typeof value === 'string' ? value.replaceAll(root, '/proc') : value,
    ]),
  );
}

/** Systems as process.platform names them. */
const PLATFORMS: Readonly<Record<string, string>> = {
  Linux: 'linux',
  Darwin: 'darwin',
  FreeBSD: 'freebsd',
  OpenBSD: 'openbsd',
  NetBSD: 'netbsd',
  SunOS: 'sunos',
  AIX: 'aix',
};

/** Names of the settings that hold the range for automatic choice, by system: macOS and FreeBSD, OpenBSD, NetBSD. */
const RANGE_SETTINGS = [
  ['net.inet.ip.porthifirst', 'net.inet.ip.porthilast'],
  ['net.inet.ip.portrange.first', 'net.inet.ip.portrange.last'],
  ['net.inet.ip.anonportmin', 'net.inet.ip.anonportmax'],
] as const;

async function throughPrinted(
  answer: RemoteAnswer,
  { ports, transports }: Pick<ProbeRequest, 'ports' | 'transports'>,
  takenAt: Date,
): Promise<Snapshot> {
  const { PrintedReader } = await import('../parse/printed/reader.ts');
  const reader = new PrintedReader({ as: null, documents: [], portOf: () => null });
  for (const frame of ['ss', 'netstat', 'lsof']) reader.feed(`${textOf(answer, frame)}\n`);
  const reading = reader.end();
  const [system = '', release = ''] = textOf(answer, 'uname').split('\n');
  const nothing: Snapshot['gaps'] =
    reading.formats.length > 0
      ? []
      : [{ code: 'remote-tools', values: {}, remedy: null, coversUse: true, transports: [] }];
  return {
    platform: PLATFORMS[system.trim()] ?? 'unknown',
    release: release.trim() === '' ? null : release.trim(),
    takenAt: takenAt.toISOString(),
    via: reading.formats.length > 0 ? 'printed' : 'none',
    limits: { ephemeral: rangeIn(textOf(answer, 'sysctl')), reserved: null, unprivilegedFrom: null },
    ephemeralUse: null,
    sockets: reading.sockets.filter(
      ({ local, transport }) =>
        (ports === null || inRange(local.port, ports)) && transports.includes(transport),
    ),
    redirects: reading.redirects,
    gaps: [...reading.gaps, ...nothing],
  };
}

/** The range in what sysctl(8) printed: `name: value` or `name=value`. */
function rangeIn(text: string): PortRange | null {
  const valueOf = (name: string): number | null => {
    const line = text.split('\n').find((each) => each.startsWith(name));
    const value = /^\s*[:=]\s*(\d{1,5})\s*$/.exec(line?.slice(name.length) ?? '')?.[1];
    return value === undefined || Number(value) > 65_535 ? null : Number(value);
  };
  for (const [first, last] of RANGE_SETTINGS) {
    const range = [valueOf(first), valueOf(last)] as const;
    // OpenBSD hands out its upper range alone where both are there.
    if (range[0] !== null && range[1] !== null && range[0] <= range[1]) return [range[0], range[1]];
  }
  return null;
}

function textOf({ frames }: RemoteAnswer, name: string): string {
  return frames.get(name)?.toString('utf8') ?? '';
}
