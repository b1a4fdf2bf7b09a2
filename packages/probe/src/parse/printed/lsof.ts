// `lsof`: its table, and what both its table and its fields share: names of sockets, and owners of the same one.
import type { SocketState, Transport } from '@portolan/core';
import { familyOf, isAny, placed, readEnds } from './endpoint.ts';
import { alone, type Draft, type Out, owner, type Recogniser } from './row.ts';
import { addOwner } from './sightings.ts';
import { stateOf } from './words.ts';

/** One open socket of one process, as lsof tells it. */
export interface LsofFile {
  readonly pid: number;
  readonly command: string;
  readonly user: string | null;
  readonly type: string;
  /** Inode on Linux, else the kernel's address of the socket; empty where it was not asked for. */
  readonly device: string;
  readonly protocol: string;
  readonly name: string;
  /** Where it was told apart from the name. */
  readonly state: string | null;
}

const PROTOCOLS: Readonly<Record<string, Transport>> = {
  TCP: 'tcp',
  UDP: 'udp',
  UDPLITE: 'udp',
  SCTP: 'sctp',
};

/** Joins the processes that have the same socket open. */
export class LsofFiles {
  readonly #out: Out;
  readonly #known = new Map<string, Draft>();

  constructor(out: Out) {
    this.#out = out;
  }

  /** False where the name is none of a socket. */
  add(file: LsofFile, text: string, line: number): boolean {
    const transport = PROTOCOLS[file.protocol];
    if (transport === undefined) return true;
    const match = /^(\S{1,300}?)(?:->(\S{1,300}))?(?:\s+\(([A-Z_\d]+)?[^)]*\))?\s*$/.exec(file.name);
    if (match === null) return false;
    const [, localText = '', peerText = '*:*', inName] = match;
    const ends = readEnds(
      [localText, peerText],
      transport,
      { text, number: line, separator: ':' },
      this.#out,
    );
    if (ends === null) return false;
    if (ends === 'told' || ends.local.port === null) return true;
    const { local, peer } = ends;
    if (file.user !== null) this.#out.shown.users.add(alone(file.user));
    const family =
      file.type === 'IPv6' ? 'ipv6' : file.type === 'IPv4' ? 'ipv4' : (familyOf(local.host) ?? 'ipv4');
    const connected = !isAny(peer);
    const word = file.state ?? inName ?? '';
    const state: SocketState =
      stateOf(word) ??
      (transport === 'udp' ? (connected ? 'ESTABLISHED' : 'UNCONN') : connected ? 'ESTABLISHED' : 'LISTEN');
    const key = [file.device, transport, family, localText, peerText, state].join(' ');
    const process = owner(file.pid, file.command, file.user);
    const known = this.#known.get(key);
    if (known !== undefined) {
      addOwner(known, process);
      return true;
    }
    const draft = this.#out.socket(
      {
        transport,
        family,
        local: placed(local, family, this.#out),
        peer: connected ? placed(peer, family, this.#out) : null,
        state,
        inode: /^\d{1,15}$/.test(file.device) ? Number(file.device) : null,
        owners: [process],
        device: local.device,
      },
      line,
    );
    if (draft !== null) this.#known.set(key, draft);
    return true;
  }
}

/** Types of other open files, which have no ports. */
const OTHER =
  /^(?:REG|DIR|CHR|BLK|FIFO|PIPE|unix|systm|KQUEUE|a_inode|sock|netlink|pack|LINK|unknown|NPOLICY|NEXUS|CHAN|PSXSHM|PSXSEM|0000|raw6?|icmp)$/;

/** One row: what stands between pid and user (-R, -g, -K) is not needed; sockets are IPv4 or IPv6. */
function readRow(text: string): Omit<LsofFile, 'state'> | null {
  const at = /\s(IPv[46])\s/.exec(text);
  const type = at?.[1];
  if (at === null || type === undefined) return null;
  const head = text.slice(0, at.index).trim().split(/\s+/);
  const [device = '', , protocol = '', ...rest] = text
    .slice(at.index + at[0].length)
    .trim()
    .split(/\s+/);
  const [command = '', pid = ''] = head;
  if (head.length < 4 || !/^\d{1,10}$/.test(pid) || rest.length === 0) return null;
  return {
    pid: Number(pid),
    command: unescaped(command),
    user: head.at(-2) ?? null,
    type,
    device,
    protocol,
    name: rest.join(' '),
  };
}

export const lsof: Recogniser = {
  format: 'lsof',
  heading: /^COMMAND\s+PID\s.*\bTYPE\s.*\bNAME\s*$/,
  row: /^\S+\s+\d+\s.*\sIPv[46]\s+\S+\s+\S+\s+(?:TCP|UDP)\s+\S/,
  open(out) {
    const files = new LsofFiles(out);
    return {
      line(text, number) {
        if (lsof.heading?.test(text) === true) return true;
        const row = readRow(text);
        if (row !== null) return files.add({ ...row, state: null }, text, number);
        const words = text.trim().split(/\s+/);
        return /^\d+$/.test(words[1] ?? '') && words.slice(3, 8).some((word) => OTHER.test(word));
      },
    };
  },
};

/** Blanks and other characters in names are written `\x20`. */
export function unescaped(name: string): string {
  const plain = name.replace(/\\x([\da-f]{2})/gi, (_all, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return plain.trim();
}
