// Runs the tools of macOS that print sockets, by their fixed places, without a shell, bounded in time and size; and opens
// sockets of our own by which what they print is proven.
import { execFile } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';

const PLACES = {
  lsof: '/usr/sbin/lsof',
  netstat: '/usr/sbin/netstat',
  sysctl: '/usr/sbin/sysctl',
} as const;

export type ToolName = keyof typeof PLACES;

const TIMEOUT_MS = 20_000;
const OUTPUT_LIMIT = 128 << 20;

/** What a tool printed, or in a word why there is nothing: an errno name, a signal or `exit N`. */
export type ToolOutput =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly reason: string };

/** Ports of sockets that are open meanwhile; null where one could not be had. */
export interface OwnPorts {
  readonly tcp: number | null;
  readonly udp: number | null;
  close(): void;
}

/** What of the system is used where there is no native code. */
export interface Tools {
  run(name: ToolName, args: readonly string[], signal?: AbortSignal): Promise<ToolOutput>;
  /** Opens a socket of each transport on loopback, at a port that the system chooses. */
  ownPorts(): Promise<OwnPorts>;
  /** True for a process that is there and is surely another user's: we may not signal it. */
  isForeign(pid: number): boolean;
}

export const systemTools: Tools = {
  run(name, args, signal) {
    return new Promise((resolve) => {
      const options = {
        env: { LC_ALL: 'C', PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
        cwd: '/',
        encoding: 'utf8' as const,
        timeout: TIMEOUT_MS,
        killSignal: 'SIGKILL' as const,
        maxBuffer: OUTPUT_LIMIT,
        ...(signal === undefined ? {} : { signal }),
      };
      execFile(PLACES[name], [...args], options, (error, stdout) => {
        // lsof exits 1 where one of several things that were asked for was not found, and prints the others.
        const found = error === null || (name === 'lsof' && error.code === 1 && stdout !== '');
        if (found) resolve({ ok: true, text: stdout });
        else resolve({ ok: false, reason: reasonOf(error) });
      });
    });
  },
  async ownPorts() {
    const server = createServer();
    const socket = createSocket('udp4');
    const tcp = new Promise<number | null>((resolve) => {
      server.once('error', () => resolve(null));
      server.listen(0, '127.0.0.1', () => {
        const address = server.address();
        resolve(typeof address === 'object' ? (address?.port ?? null) : null);
      });
    });
    const udp = new Promise<number | null>((resolve) => {
      socket.once('error', () => resolve(null));
      socket.bind(0, '127.0.0.1', () => resolve(socket.address().port));
    });
    return {
      tcp: await tcp,
      udp: await udp,
      close() {
        server.close();
        socket.close();
      },
    };
  },
  isForeign: mayNotSignal,
};

function mayNotSignal(pid: number): boolean {
  try {
    // Signal 0 is sent to nobody: only the right to send is looked at.
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function reasonOf(error: Error & { code?: unknown; signal?: unknown }): string {
  if (typeof error.code === 'string') return error.code;
  if (typeof error.signal === 'string') return error.signal;
  return typeof error.code === 'number' ? `exit ${error.code}` : 'EIO';
}
