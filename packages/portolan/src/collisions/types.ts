// Options of audits, reservations and the ephemeral range in the library; types alone.
import type { PortRange } from '@portolan/core';

/** What every call takes. */
interface Common {
  /** May native code be used? Default true. */
  readonly ffi?: boolean;
  readonly signal?: AbortSignal;
}

/** What is audited; with neither files nor profiles, this host and the project in `cwd`. */
export interface AuditOptions extends Common {
  /** Files and folders of projects, absolute or from `cwd` on. */
  readonly files?: readonly string[];
  /** Names of shipped profiles (`xsan`), or files of your own. */
  readonly profiles?: readonly string[];
  /** Default the working directory. Places are told relative to it. */
  readonly cwd?: string;
  /** Root of a mounted or copied system whose units and fsports are read in place of this host's. */
  readonly configRoot?: string;
  /** A file of findings that are known, each with a reason. */
  readonly baseline?: string;
  /** A recorded copy of /proc in place of this machine. */
  readonly procRoot?: string;
}

/** How the ephemeral range is looked at. */
export interface EphemeralOptions extends Common {
  /** Milliseconds between the two looks, 100 to 60,000; default 1000. Null looks once and tells no rate. */
  readonly intervalMs?: number | null;
  /** Ask the kernel for so many ports, 100 to 20,000, on loopback, to name its algorithm (RFC 6056). */
  readonly sample?: number;
  /** A recorded copy of /proc in place of this machine; it is looked at once. */
  readonly procRoot?: string;
}

/** A port (1–65535), or several ports and inclusive runs `[first, last]`. */
export type PortWish = number | readonly (number | PortRange)[];

/** How ports are reserved or given back. */
export interface ReserveOptions extends Common {
  /** Do it. Default false: only the plan is made, and nothing is changed. */
  readonly apply?: boolean;
  /** The running list alone, without the drop-in. */
  readonly now?: boolean;
  /** Ask the kernel for the ports to prove it. Default true. */
  readonly prove?: boolean;
  /** Reserve even if no port is left to hand out; give back what somebody else reserved. */
  readonly force?: boolean;
  /** Root below which sysctl drop-ins are read and written, in place of /. */
  readonly configRoot?: string;
  /** Ends the call before anything is changed; a change that has begun is done to its end. */
  readonly signal?: AbortSignal;
}
