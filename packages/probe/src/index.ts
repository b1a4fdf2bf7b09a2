// The library door of @portolan/probe: one function that looks, on whatever system this is.
import type { Snapshot } from '@portolan/core';
import type { Backend, ProbeRequest } from './backend.ts';

export type { Backend, BackendCapabilities, ProbeRequest } from './backend.ts';

/**
 * The probe for a platform (a value of process.platform), loaded on demand. A platform without one gets a
 * backend whose snapshot is empty and says so.
 */
export async function backendFor(platform: string): Promise<Backend> {
  if (platform === 'linux') return (await import('./linux/backend.ts')).linuxBackend;
  return (await import('./unsupported.ts')).unsupportedBackend(platform);
}

/** Looks at this machine's sockets. A recorded /proc is Linux whatever this machine is. */
export async function snapshot(request: ProbeRequest): Promise<Snapshot> {
  const backend = await backendFor(request.procRoot === undefined ? process.platform : 'linux');
  return backend.look(request);
}
