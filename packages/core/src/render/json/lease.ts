// `portolan lease`, `leases` and `release` with --json, version 1.
import type { DamagedLease, LeaseView, MarkState, StoredLease } from '../../model/lease.ts';
import type { Transport } from '../../model/port.ts';
import type { Gap } from '../../model/socket.ts';
import type { Translator } from '../../text/catalog.ts';
import type { LeasesModel } from '../../view/lease.ts';
import { type GapV1, gapJson } from './v1.ts';

/** The process a lease is for. */
export interface LeaseHolderV1 {
  readonly pid: number;
  /** Ticks after boot (1/100 s), with the pid the process for good; null where the system does not tell. */
  readonly startTicks: number | null;
  readonly bootId: string | null;
  /** For people; null where it is gone. */
  readonly startedAt: string | null;
  readonly uid: number;
  readonly user: string | null;
  readonly state: MarkState;
}

/** What every output says of a lease. */
export interface LeasedV1 {
  /** null: held for a while and for no name. */
  readonly name: string | null;
  readonly project: string;
  readonly port: number;
  readonly transport: Transport;
  readonly holder: LeaseHolderV1;
  /** Is somebody on the port now? null: it could not be looked at. */
  readonly inUse: boolean | null;
}

export interface LeaseV1 extends LeasedV1 {
  readonly format: 'portolan.lease/1';
  /** False where the name had the port already. */
  readonly fresh: boolean;
  readonly gaps: readonly GapV1[];
}

export interface LeasesV1 {
  readonly format: 'portolan.leases/1';
  readonly folder: string;
  /** False: leases of other users lie elsewhere. */
  readonly shared: boolean;
  readonly leases: readonly LeasedV1[];
  readonly damaged: readonly { readonly port: number; readonly why: DamagedLease['why'] }[];
  readonly gaps: readonly GapV1[];
}

export interface ReleaseV1 {
  readonly format: 'portolan.release/1';
  readonly released: readonly {
    readonly name: string | null;
    readonly project: string | null;
    readonly port: number;
    readonly transport: Transport | null;
  }[];
  /** Names that had no lease. */
  readonly missing: readonly string[];
}

/** One lease as programs read it. */
export function leaseJson(view: LeaseView, fresh: boolean, gaps: readonly Gap[], lang: Translator): LeaseV1 {
  return {
    format: 'portolan.lease/1',
    ...leased(view),
    fresh,
    gaps: gaps.map((gap) => gapJson(gap, lang)),
  };
}

function leased({ lease, user, state, startedAt, inUse }: LeaseView): LeasedV1 {
  const { name, project, port, transport, holder, uid } = lease;
  const { pid, startTicks, bootId } = holder;
  return {
    name,
    project,
    port,
    transport,
    holder: { pid, startTicks, bootId, startedAt, uid, user, state },
    inUse,
  };
}

/** All leases of the folder. */
export function leasesJson({ place, leases, damaged, gaps }: LeasesModel, lang: Translator): LeasesV1 {
  return {
    format: 'portolan.leases/1',
    folder: place.folder,
    shared: place.shared,
    leases: leases.map(leased),
    damaged: damaged.map(({ port, why }) => ({ port, why })),
    gaps: gaps.map((gap) => gapJson(gap, lang)),
  };
}

/** What was given back. `files` are ports whose file was none and is gone now. */
export function releaseJson(
  released: readonly StoredLease[],
  files: readonly number[],
  missing: readonly string[],
): ReleaseV1 {
  return {
    format: 'portolan.release/1',
    released: [
      ...released.map(({ name, project, port, transport }) => ({ name, project, port, transport })),
      ...files.map((port) => ({ name: null, project: null, port, transport: null })),
    ],
    missing,
  };
}
