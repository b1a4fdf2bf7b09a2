// The library door of @portolan/probe: one function that looks, on whatever system this is.
import type {
  BindHost,
  EphemeralSample,
  EphemeralSettings,
  PortInUse,
  PortRange,
  ProcessRef,
  Snapshot,
} from '@portolan/core';
import type { Actions } from './actions.ts';
import type { Backend, ProbeRequest, Watch, WatchRequest } from './backend.ts';
import type { AllocatorSample } from './linux/allocator-sample.ts';
import type { BindTrialOptions, BindTrials } from './linux/bind-attempt.ts';
import type { FolderLock } from './linux/folder-lock.ts';
import type { HeldSocket, HeldSocketWish } from './linux/held-socket.ts';
import type { InUseRequest } from './linux/in-use.ts';
import type { PeerUsers } from './linux/peer-users.ts';
import type { ProcessMarks } from './linux/process-mark.ts';
import type { ReservationOptions } from './linux/reservations.ts';
import type { Conversation, RemoteAnswer } from './remote/conversation.ts';
import type { ProofRequest, Prover, Reservations } from './reservations.ts';
import type { WindowsExclusions } from './win32/exclusions.ts';

export type { Actions, Grip, GripFailure, Sent, SignalName } from './actions.ts';
export type {
  Backend,
  BackendCapabilities,
  ProbeRequest,
  RecordedHost,
  Watch,
  WatchRequest,
} from './backend.ts';
export type { BindTrialOptions, BindTrials } from './linux/bind-attempt.ts';
export type { FolderLock } from './linux/folder-lock.ts';
export type { HeldSocket, HeldSocketWish } from './linux/held-socket.ts';
export type { PeerUsers } from './linux/peer-users.ts';
export type { ProcessMarks } from './linux/process-mark.ts';
export type { ReservationOptions } from './linux/reservations.ts';
export type { Conversation, RemoteAnswer } from './remote/conversation.ts';
export type { ProofRequest, Prover, Refused, Reservations, StagedFile } from './reservations.ts';
export type { WindowsExclusions } from './win32/exclusions.ts';

/**
 * The probe for a platform (a value of process.platform), loaded on demand. A platform without one gets a
 * backend whose snapshot is empty and says so.
 */
export async function backendFor(platform: string): Promise<Backend> {
  if (platform === 'linux') return (await import('./linux/backend.ts')).linuxBackend;
  if (platform === 'darwin') return (await import('./darwin/backend.ts')).darwinBackend;
  if (platform === 'win32') return (await import('./win32/backend.ts')).win32Backend;
  return (await import('./unsupported.ts')).unsupportedBackend(platform);
}

/** Looks at this machine's sockets. A recorded /proc is Linux whatever this machine is. */
export async function snapshot(request: ProbeRequest): Promise<Snapshot> {
  const backend = await backendFor(request.procRoot === undefined ? process.platform : 'linux');
  return backend.look(request);
}

/** What can be done on a platform (a value of process.platform); null where nothing can. */
export async function actionsFor(platform: string, options: { ffi: boolean }): Promise<Actions | null> {
  return platform === 'linux' ? (await import('./linux/actions.ts')).linuxActions(options.ffi) : null;
}

/** What a bind depends on besides sockets, as this process finds it. */
export async function bindHost(): Promise<BindHost> {
  return (await import('./linux/bind-host.ts')).readBindHost();
}

/** A child process that tries binds, started at once; it must be closed. */
export async function bindTrials(options: BindTrialOptions): Promise<BindTrials> {
  return (await import('./linux/bind-attempt.ts')).openBindTrials(options);
}

/** Processes that are called so; null where that cannot be looked at, as on systems without a probe. */
export async function processesNamed(
  names: readonly string[],
  procRoot?: string,
): Promise<readonly ProcessRef[] | null> {
  if (procRoot === undefined && process.platform !== 'linux') return null;
  return (await import('./linux/named-processes.ts')).namedProcesses(names, procRoot ?? '/proc');
}

/** Begins to watch this machine's sockets; null on a system that cannot be watched yet. */
export async function watch(request: WatchRequest): Promise<Watch | null> {
  return process.platform === 'linux' ? (await import('./linux/watch/watch.ts')).watchLinux(request) : null;
}

/** All sockets on these local ports of this network namespace, without owners (Linux); null where they cannot be listed. */
export async function ephemeralSample(
  ports: PortRange,
  options: { ffi: boolean },
): Promise<EphemeralSample | null> {
  return (await import('./linux/ephemeral.ts')).sampleEphemeral(ports, options.ffi);
}

/** Ports that have a socket in this network namespace (Linux), as many as can be told in time; none elsewhere. */
export async function portsInUse(request: InUseRequest): Promise<readonly PortInUse[]> {
  return process.platform === 'linux' ? (await import('./linux/in-use.ts')).findPortsInUse(request) : [];
}

/** What decides how long ports are kept here (Linux). */
export async function ephemeralSettings(procRoot?: string): Promise<EphemeralSettings> {
  return (await import('./linux/ephemeral.ts')).readEphemeralSettings(procRoot);
}

/** Asks this kernel for `count` ports of each way, on loopback alone (Linux, with native code). */
export async function allocatorSample(count: number): Promise<AllocatorSample> {
  return (await import('./linux/allocator-sample.ts')).sampleAllocator(count);
}

/** The reserved ports of this network namespace, to be read and changed (Linux). */
export async function reservations(options: ReservationOptions): Promise<Reservations> {
  return (await import('./linux/reservations.ts')).linuxReservations(options);
}

/** The lists of ports that Windows keeps back, to be read and changed. */
export async function windowsExclusions(): Promise<WindowsExclusions> {
  return (await import('./win32/exclusions.ts')).windowsExclusions();
}

/** Asks the kernel for ports to prove a reservation (Linux); it must be closed. */
export async function reserveProver(request: ProofRequest): Promise<Prover> {
  return (await import('./linux/reserve-proof.ts')).openProver(request);
}

/** Marks that name processes for good, and whether those processes still run. */
export async function processMarks(): Promise<ProcessMarks> {
  return (await import('./linux/process-mark.ts')).processMarks();
}

/**
 * Locks a folder against every other process that does the same; the lock ends with us, however we end. Throws what the
 * system says: `ETIMEDOUT` after `waitMs`, `ENOSYS` where there is no such lock.
 */
export async function lockFolder(
  folder: string,
  options: { readonly ffi: boolean; readonly waitMs: number; readonly signal?: AbortSignal },
): Promise<FolderLock> {
  return (await import('./linux/folder-lock.ts')).lockFolder(folder, options);
}

/** A socket that a program can inherit; null where there is no native code. */
export async function holdSocket(wish: HeldSocketWish): Promise<HeldSocket | null> {
  return (await import('./linux/held-socket.ts')).holdSocket(wish);
}

/** Tells whose socket is at the other end of a connection on this host; null on a system where that cannot be told. */
export async function peerUsers(options: { readonly ffi: boolean }): Promise<PeerUsers | null> {
  return process.platform === 'linux' ? (await import('./linux/peer-users.ts')).peerUsers(options) : null;
}

/** Begins a conversation with another machine's shell; whoever asks for it carries the bytes. */
export async function conversation(): Promise<Conversation> {
  const { Conversation: Begun } = await import('./remote/conversation.ts');
  return new Begun();
}

/** Looks at what another machine answered, as at a host. */
export async function lookAtAnswer(
  answer: RemoteAnswer,
  request: Pick<ProbeRequest, 'ports' | 'transports' | 'countEphemeral' | 'serviceAddress' | 'limits'>,
  takenAt: Date,
): Promise<Snapshot> {
  return (await import('./remote/look.ts')).lookAtAnswer(answer, request, takenAt);
}
