// Looks at the host while somebody wants to know, at most once a second for all who ask, and not at all else.
import { type Node, PortolanError, type PortRange, type Snapshot, type Transport } from '@portolan/core';
import type { Sight } from '../site.ts';

/** How the host is looked at; handed in by the program, which has the probe. */
export interface Host {
  readonly name: string;
  /** Looks at one range of ports, or at all. */
  look(ports: PortRange | null, transports: readonly Transport[]): Promise<Snapshot>;
  /** What an audit of the host finds, as a page has it. It reads many files, so it is asked for seldom. */
  audit(): Promise<readonly Node[]>;
}

/** How old an audit may be, in milliseconds. */
const AUDITED_MS = 30_000;

/** How old an answer may be, in milliseconds. */
const FRESH_MS = 900;

/** Answers that are kept at once. */
const KEPT = 64;

const USUAL: readonly Transport[] = ['tcp', 'udp'];

/** Shares what was seen among all who ask within a moment. */
export class Lookout {
  readonly #host: Host;
  readonly #now: () => number;
  readonly #onFault: (error: Error) => void;
  readonly #seen = new Map<string, { readonly at: number; readonly snapshot: Promise<Snapshot> }>();

  #audited: { readonly at: number; readonly nodes: Promise<readonly Node[] | null> } | null = null;

  /** `onFault` is told of a look that failed by a fault of ours; the page comes all the same. */
  constructor(host: Host, now: () => number, onFault: (error: Error) => void) {
    this.#host = host;
    this.#now = now;
    this.#onFault = onFault;
  }

  get host(): string {
    return this.#host.name;
  }

  /** What an audit finds; null where it could not be made, which never keeps a page from being shown. */
  async audit(): Promise<readonly Node[] | null> {
    const now = this.#now();
    if (this.#audited === null || now - this.#audited.at >= AUDITED_MS) {
      this.#audited = { at: now, nodes: this.#host.audit().catch(() => null) };
    }
    return this.#audited.nodes;
  }

  /** Everything on the host. */
  async all(): Promise<Snapshot> {
    return this.#shared('all', () => this.#host.look(null, USUAL));
  }

  /** What is on one port, with the numbers in use beside it. */
  async port(port: number, transport: Transport | null): Promise<Sight> {
    const transports = transport === null ? USUAL : [transport];
    const [snapshot, all] = await Promise.all([
      this.#shared(`${port}/${transport ?? ''}`, () => this.#host.look([port, port], transports)),
      this.all(),
    ]);
    return { host: this.#host.name, snapshot, inUse: portsIn(all) };
  }

  async #shared(key: string, look: () => Promise<Snapshot>): Promise<Snapshot> {
    const now = this.#now();
    const known = this.#seen.get(key);
    if (known !== undefined && now - known.at < FRESH_MS) return known.snapshot;
    for (const [old, { at }] of this.#seen) {
      if (now - at >= FRESH_MS || this.#seen.size > KEPT) this.#seen.delete(old);
    }
    const snapshot = look().then(withoutCommandLines, (error: unknown) => {
      // One that failed is no answer for the next who asks.
      this.#seen.delete(key);
      return this.#failed(error);
    });
    this.#seen.set(key, { at: now, snapshot });
    return snapshot;
  }

  /** A look that failed hides everything: what is said of a port is shown, and of the host that it could not be seen. */
  #failed(thrown: unknown): Snapshot {
    const error = thrown instanceof Error ? thrown : new Error(String(thrown));
    if (!(error instanceof PortolanError)) this.#onFault(error);
    return {
      platform: 'none',
      release: null,
      takenAt: '',
      via: 'none',
      sockets: [],
      redirects: [],
      limits: { ephemeral: null, reserved: null, unprivilegedFrom: null },
      ephemeralUse: null,
      gaps: [
        {
          code: 'look-failed',
          values: { reason: (error as NodeJS.ErrnoException).code ?? error.name },
          coversUse: true,
          remedy: null,
          transports: [],
        },
      ],
    };
  }
}

/**
 * The same without command lines and folders: they hold secrets more often than not, and a page may be open in front of
 * others. Left out here, so that no page, stream or report can show them.
 */
export function withoutCommandLines(snapshot: Snapshot): Snapshot {
  return {
    ...snapshot,
    sockets: snapshot.sockets.map((socket) => ({
      ...socket,
      owners: socket.owners.map((owner) => ({ ...owner, argv: null, cwd: null })),
    })),
  };
}

/** The local ports of a snapshot's sockets, each once. */
export function portsIn(snapshot: Snapshot): number[] {
  const ports = new Set<number>();
  for (const { local, namespace } of snapshot.sockets) if (namespace === null) ports.add(local.port);
  return [...ports];
}
