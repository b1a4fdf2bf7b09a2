// The look without native code: netstat lists all sockets, lsof whose they are. Both are proven on sockets of our own.
import type { Gap, Owner, Socket } from '@portolan/core';
import type { ProbeRequest } from '../backend.ts';
import { type PrintedReading, readPrinted } from '../parse/printed/index.ts';
import { RANGE_NAMES, rangeOf, TRANSPORTS } from './lists.ts';
import { type Found, isAsked, othersHidden, type Remedies, sourceSilent, unreadable } from './look.ts';
import type { OwnPorts, ToolOutput, Tools } from './tools.ts';

/** Fields: process, command, user, login, descriptor, type, device, protocol, state, name; NUL after each. */
const LSOF = ['-nP', '-w', '-iTCP', '-iUDP', '-FpcuLftdPTn0'] as const;
/** A family at a time: without one, other sockets are listed as well. */
const NETSTAT = ['-anv', '-f', 'inet'] as const;
const NETSTAT6 = ['-anv', '-f', 'inet6'] as const;

/** Looks through the system's own tools. */
export async function lookPrinted(
  request: ProbeRequest,
  host: { readonly tools: Tools; readonly euid: number },
  remedies: Remedies,
): Promise<Found> {
  const { tools } = host;
  const { signal } = request;
  const own = await tools.ownPorts();
  let outputs: readonly ToolOutput[];
  try {
    outputs = await Promise.all([
      tools.run('netstat', NETSTAT, signal),
      tools.run('netstat', NETSTAT6, signal),
      tools.run('lsof', LSOF, signal),
      request.limits === false
        ? { ok: false as const, reason: 'unasked' }
        : tools.run('sysctl', ['-n', ...RANGE_NAMES], signal),
    ]);
  } finally {
    own.close();
  }
  signal?.throwIfAborted();
  const [four, six, files, range] = outputs;
  const lists = [four, six].map((output) => read(output, 'netstat-bsd'));
  const owners = read(files, 'lsof-fields');
  const everything = [...lists.flatMap(({ sockets }) => sockets), ...owners.sockets];
  const sockets = merge(everything.filter((socket) => isAsked(request, socket) && !isOwn(socket, own)));
  const gaps: Gap[] = [];
  const transports = TRANSPORTS.filter((transport) => request.transports.includes(transport));
  const better = remedies.sudo ?? remedies.tool;
  const failures = new Set(
    [four, six].map((output, nth) => {
      if (output?.ok === false) return output.reason;
      return (lists[nth]?.unknownCount ?? 0) > 0 ? 'EBADMSG' : null;
    }),
  );
  for (const reason of failures) {
    if (reason !== null && transports.length > 0)
      gaps.push(unreadable(transports, reason, 'netstat -anv', better));
  }
  for (const transport of transports) {
    const port = own[transport];
    const listed = lists.flatMap((reading) => reading.sockets);
    const shows =
      port !== null && listed.some((socket) => socket.transport === transport && socket.local.port === port);
    if (four?.ok === true && !shows) gaps.push(sourceSilent([transport], 'netstat', better));
    else if (
      four?.ok === true &&
      host.euid !== 0 &&
      !listed.some((socket) => socket.owners.some(({ pid }) => tools.isForeign(pid)))
    )
      gaps.push(othersHidden([transport], better));
  }
  const ownerless = sockets.filter((socket) => socket.owners.length === 0 && socket.inode !== 0).length;
  if (ownerless > 0) {
    gaps.push({
      code: 'owners-unprinted',
      values: { sockets: ownerless },
      remedy: better,
      coversUse: false,
      transports: [],
    });
  }
  const [first, last] = range?.ok === true ? range.text.trim().split(/\s+/).map(Number) : [];
  return { sockets, gaps, ephemeral: rangeOf(first ?? null, last ?? null) };
}

function read(output: ToolOutput | undefined, as: 'netstat-bsd' | 'lsof-fields'): PrintedReading {
  return readPrinted(output?.ok === true ? output.text : '', { as });
}

/** What was opened for the proof. */
function isOwn({ transport, local }: Socket, own: OwnPorts): boolean {
  return local.address === '127.0.0.1' && local.port === (transport === 'tcp' ? own.tcp : own.udp);
}

/** The ends, by which the two tools' rows are told to be one: neither prints anything else that the other has. */
function keyOf({ transport, local, peer }: Socket): string {
  const address = (text: string): string =>
    text.replace(/^::ffff:(?=\d+\.)/, '').replace(/^(::|0\.0\.0\.0)$/, '*');
  const end = (place: Socket['peer']): string =>
    place === null ? '-' : `${address(place.address)} ${place.port}`;
  return `${transport} ${end(local)} ${end(peer)}`;
}

/** One socket for both rows: the first that was told, with owners of both. */
function merge(sockets: readonly Socket[]): Socket[] {
  const groups = new Map<string, Socket[]>();
  for (const socket of sockets) {
    // Two families may listen on one port, a socket each.
    const key = `${socket.family} ${keyOf(socket)}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [socket]);
    else group.push(socket);
  }
  let nth = 0;
  return [...groups.values()].map((group) => {
    const [first] = group;
    if (first === undefined) throw new Error('a group without a socket');
    nth++;
    const owners = new Map<number, Owner>();
    // What lsof tells comes last and is more: names are whole there, and users are told.
    for (const owner of group.flatMap((socket) => socket.owners)) {
      const known = owners.get(owner.pid);
      owners.set(owner.pid, known === undefined || known.user === null ? owner : known);
    }
    return {
      ...first,
      inode: first.state === 'TIME_WAIT' && owners.size === 0 ? 0 : -nth,
      uid: group.find(({ uid }) => uid !== null)?.uid ?? null,
      user: group.find(({ user }) => user !== null)?.user ?? null,
      ipv6Only: group.find(({ ipv6Only }) => ipv6Only !== null)?.ipv6Only ?? null,
      device: group.find(({ device }) => device !== null)?.device ?? null,
      owners: [...owners.values()],
    };
  });
}
