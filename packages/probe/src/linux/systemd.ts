// Which sockets systemd holds for services, as the kernel shows it: the process that has them is a systemd.
import type { Owner, Socket } from '@portolan/core';

/** `system` for pid 1, `user` for one's own `systemd --user`, `other-user` for that of somebody else. */
export type SystemdInstance = 'system' | 'user' | 'other-user';

/** True where a systemd holds any of these sockets to start something for it. */
export function systemdHoldsAny(sockets: readonly Socket[], uid: number | null): boolean {
  // One list serves all sockets that a process alone has: most of them are looked at once.
  const others = new Set<readonly Owner[]>();
  return sockets.some((socket) => {
    if (others.has(socket.owners)) return false;
    if (!socket.owners.some(isSystemd)) others.add(socket.owners);
    return systemdBehind(socket, uid) !== null;
  });
}

/** The systemd that holds a socket to start something for it, or null. */
export function systemdBehind(socket: Socket, uid: number | null): SystemdInstance | null {
  // A socket of another namespace is bound to the same addresses as another unit's here.
  if (socket.namespace !== null || (socket.state !== 'LISTEN' && socket.state !== 'UNCONN')) return null;
  const owner = socket.owners.find(isSystemd);
  if (owner === undefined) return null;
  if (owner.pid === 1) return 'system';
  return socket.uid !== null && socket.uid === uid ? 'user' : 'other-user';
}

/** /sbin/init is a link to systemd, and /proc tells what it points to. */
function isSystemd({ pid, name, argv }: Owner): boolean {
  return name === 'systemd' && (pid === 1 || argv?.includes('--user') === true);
}
