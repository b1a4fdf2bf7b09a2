// Which container engines could say more about what was seen: none on most hosts, and then none is asked.
import type { Container, Owner, Redirect, Socket } from '@portolan/core';

/** Engines that can be asked. */
export type EngineKind = 'docker' | 'podman' | 'containerd';

/**
 * Programs that hold a host's port for a container, by the file name of their executable: Docker's proxy; RootlessKit
 * of rootless Docker; Podman's of rootless containers; conmon, to which Podman hands the ports it reserves.
 */
const PROXIES: ReadonlyMap<string, readonly EngineKind[]> = new Map([
  ['docker-proxy', ['docker']],
  ['rootlesskit', ['docker']],
  ['rootlessport', ['podman']],
  ['containers-rootlessport', ['podman']],
  ['conmon', ['podman']],
  ['pasta', ['podman']],
  ['pasta.avx2', ['podman']],
  ['slirp4netns', ['podman', 'docker']],
]);

/** Engines by the runtime that a cgroup names; others have none that is asked. */
const BY_RUNTIME: ReadonlyMap<string, EngineKind> = new Map([
  ['docker', 'docker'],
  ['podman', 'podman'],
  ['containerd', 'containerd'],
]);

const BY_MAKER: Readonly<Record<'docker' | 'podman' | 'cni', readonly EngineKind[]>> = {
  docker: ['docker'],
  podman: ['podman'],
  cni: ['podman', 'containerd'],
};

/** True for a socket of this namespace that waits, and a process that does so for a container. */
export function isProxied(socket: Pick<Socket, 'namespace' | 'peer' | 'owners'>): boolean {
  return socket.namespace === null && socket.peer === null && socket.owners.some(isProxy);
}

function isProxy({ name }: Owner): boolean {
  return PROXIES.has(name);
}

/** Engines that could name a container or a published port that has no name yet. */
export function enginesNeeded(
  sockets: readonly Socket[],
  redirects: readonly Redirect[],
): ReadonlySet<EngineKind> {
  const needed = new Set<EngineKind>();
  const addContainer = (container: Container | null): void => {
    if (container === null || container.name !== null) return;
    const kind = BY_RUNTIME.get(container.runtime);
    if (kind !== undefined) needed.add(kind);
  };
  // One list serves all sockets that a process alone has: most of them are looked at once.
  const plain = new Set<readonly Owner[]>();
  for (const socket of sockets) {
    if (socket.namespace !== null) addContainer(socket.namespace.container);
    if (plain.has(socket.owners)) continue;
    let asks = false;
    for (const owner of socket.owners) {
      addContainer(owner.container);
      if (!isProxy(owner)) continue;
      asks = true;
      if (socket.publishes !== null || !isProxied(socket)) continue;
      for (const kind of PROXIES.get(owner.name) ?? []) needed.add(kind);
    }
    if (!asks) plain.add(socket.owners);
  }
  for (const { maker, publishes } of redirects) {
    if (publishes !== null) addContainer(publishes.container);
    else if (maker !== null && maker !== 'kubernetes') for (const kind of BY_MAKER[maker]) needed.add(kind);
  }
  return needed;
}
