// Whose network namespace we run in, as far as that shows from inside.
import { existsSync, readdirSync, statSync } from 'node:fs';
import type { NamespaceView } from '@portolan/core';
import { ProcessReader } from './process.ts';

const NAMES = '/run/netns';
/** Where engines leave a mark inside their containers. */
const CONTAINER_MARKS = ['/.dockerenv', '/run/.containerenv'];
/** What Kubernetes mounts into its pods. */
const POD_MARK = '/var/run/secrets/kubernetes.io/serviceaccount';

/** The view. `env` is that of the process: Kubernetes tells its pods by it. */
export function ownNamespace(procRoot: string, env: NodeJS.ProcessEnv): NamespaceView {
  const stat = statSync(`${procRoot}/self/ns/net`, { throwIfNoEntry: false });
  const inode = stat?.ino ?? null;
  const container = new ProcessReader(procRoot, () => null).container(process.pid);
  const names = stat === undefined ? [] : namesOf(stat.dev, stat.ino);
  const base = { inode, names, container };
  if (inode === null) return { ...base, kind: 'unknown' };
  // Settings of the whole machine are in the first network namespace alone (net_core_table of the kernel).
  if (existsSync(`${procRoot}/sys/net/core/netdev_max_backlog`)) return { ...base, kind: 'host' };
  if (env['KUBERNETES_SERVICE_HOST'] !== undefined || existsSync(POD_MARK)) return { ...base, kind: 'pod' };
  // A container's first process is in its namespace; others may have made one of their own.
  const inside = container !== null || CONTAINER_MARKS.some((mark) => existsSync(mark));
  if (inside && [inode, null].includes(inodeOf(`${procRoot}/1/ns/net`)))
    return { ...base, kind: 'container' };
  return { ...base, kind: names.length > 0 ? 'named' : 'other' };
}

/** null where it may not be looked at. */
function inodeOf(path: string): number | null {
  try {
    return statSync(path).ino;
  } catch {
    return null;
  }
}

/** Names of ip-netns(8) for a namespace. */
function namesOf(device: number, inode: number): string[] {
  try {
    return readdirSync(NAMES)
      .toSorted()
      .filter((name) => {
        const stat = statSync(`${NAMES}/${name}`, { throwIfNoEntry: false });
        return stat?.ino === inode && stat.dev === device;
      });
  } catch {
    return [];
  }
}
