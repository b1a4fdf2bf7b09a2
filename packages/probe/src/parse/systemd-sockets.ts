// What `systemctl list-sockets` prints: where systemd listens, and for which units.
import { asArray, asObject, asString, parseJson, ShapeError } from './json-shape.ts';

/** One place where systemd listens over IP. */
export interface SystemdSocket {
  readonly transport: 'tcp' | 'udp';
  readonly address: string;
  readonly port: number;
  /** Socket unit, `ssh.socket`. */
  readonly unit: string;
  /** The unit that is started for it; null where none is named. */
  readonly activates: string | null;
}

/** What was read, or why nothing was. */
export type SystemdSockets =
  | { readonly ok: true; readonly sockets: readonly SystemdSocket[] }
  | { readonly ok: false; readonly problem: string };

/** Socket types by systemd's names (systemd, basic/socket-util.c, socket_address_type_table). */
const TRANSPORTS: ReadonlyMap<string, 'tcp' | 'udp'> = new Map([
  ['Stream', 'tcp'],
  ['Datagram', 'udp'],
]);

/**
 * Reads `list-sockets --all --show-types --no-legend --output=json`: a list of `{listen, type, unit, activates}`.
 * systemd before 247 prints the same four columns as text whatever output is asked for; those are read too. Sockets
 * that are no IP sockets (paths, netlink, vsock, FIFOs) are left out.
 */
export function parseSystemdSockets(text: string): SystemdSockets {
  try {
    return { ok: true, sockets: looksLikeJson(text) ? fromJson(text) : fromColumns(text) };
  } catch (error) {
    if (error instanceof ShapeError) return { ok: false, problem: error.message };
    throw error;
  }
}

/** A line of columns may begin with a bracket as well: `[::]:22 Stream …`. */
function looksLikeJson(text: string): boolean {
  return /^\s*\[\s*[{\]]/.test(text);
}

function fromJson(text: string): SystemdSocket[] {
  return asArray(parseJson(text, 'the answer'), 'the answer').flatMap((value, index) => {
    const place = `socket ${index}`;
    const row = asObject(value, place);
    return ipSocket(
      asString(row['listen'], `${place}, listen`),
      asString(row['type'], `${place}, type`),
      asString(row['unit'], `${place}, unit`),
      readActivates(row['activates'], `${place}, activates`),
    );
  });
}

/** A string; a list where there are several, which no version does yet; null or a dash where there is none. */
function readActivates(value: unknown, place: string): string | null {
  if (value === undefined || value === null || value === '-') return null;
  const first: unknown = Array.isArray(value) ? (value as readonly unknown[])[0] : value;
  return first === undefined ? null : asString(first, place);
}

function fromColumns(text: string): SystemdSocket[] {
  return text.split('\n').flatMap((line, index) => {
    const columns = line.trim().split(/\s+/);
    if (columns[0] === '') return [];
    // LISTEN may hold spaces (`audit 1`, `kobject-uevent 1`), so the unit is the anchor, and the type before it.
    const at = columns.findIndex((column, place) => place >= 2 && column.endsWith('.socket'));
    if (at < 0) throw new ShapeError(`line ${index + 1}`, 'line of list-sockets');
    const activates = columns[at + 1]?.replace(/,$/, '') ?? '-';
    return ipSocket(
      columns.slice(0, at - 1).join(' '),
      columns[at - 1] ?? '',
      columns[at] ?? '',
      activates === '-' ? null : activates,
    );
  });
}

/** `0.0.0.0:22`, `[::]:22`, `[fe80::1]:22%eth0` (systemd, basic/socket-util.c, sockaddr_pretty). */
function ipSocket(listen: string, type: string, unit: string, activates: string | null): SystemdSocket[] {
  const transport = TRANSPORTS.get(type);
  const match = /^(?:\[([0-9a-f:.]+)\]|(\d{1,3}(?:\.\d{1,3}){3})):(\d{1,5})(?:%\S+)?$/i.exec(listen);
  const address = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (transport === undefined || address === undefined || !(port >= 1 && port <= 65_535)) return [];
  return [{ transport, address: address.toLowerCase(), port, unit, activates }];
}
