// What `ls -ln /proc/PID/fd …` printed of descriptors: which process has which socket open.

/** One descriptor that is a socket. */
export interface ListedDescriptor {
  readonly pid: number;
  readonly fd: number;
  readonly inode: number;
}

/** Descriptors that are sockets, and processes of which one could not be read. */
export interface FdListing {
  readonly sockets: readonly ListedDescriptor[];
  readonly refused: ReadonlySet<number>;
}

/** The folder's own line, as it stands above its links. */
const FOLDER = /^(?:\/proc\/)?([1-9]\d{0,9})\/fd:$/;
/** A link's line up to its name: all of it is written by ls, which knows no name there but numbers. */
const LINK = /^l[rwx-]{9}\S? .*? (\d{1,10})$/;
const SOCKET = /^socket:\[([1-9]\d{0,15})\]$/;
const ARROW = ' -> ';

/**
 * Parses the listing. The name of an open file is anybody's choice and may look like a link of its own; so a line counts
 * up to its first arrow, and what follows must be a socket and nothing else. (That a name cannot begin a line of its own
 * is up to ls, which was asked to print no line feeds.)
 */
export function parseFdListing(text: string): FdListing {
  const sockets: ListedDescriptor[] = [];
  const refused = new Set<number>();
  let pid: number | null = null;
  for (const line of text.split('\n')) {
    const folder = FOLDER.exec(line)?.[1];
    if (folder !== undefined || line.endsWith(':')) pid = folder === undefined ? null : Number(folder);
    if (pid === null || folder !== undefined) continue;
    const arrow = line.indexOf(ARROW);
    const fd = LINK.exec(arrow < 0 ? line : line.slice(0, arrow))?.[1];
    if (fd === undefined) continue;
    const inode = arrow < 0 ? undefined : SOCKET.exec(line.slice(arrow + ARROW.length))?.[1];
    if (arrow < 0) refused.add(pid);
    else if (inode !== undefined) sockets.push({ pid, fd: Number(fd), inode: Number(inode) });
  }
  return { sockets, refused };
}

/** Target of the one link that `ls -ldn PATH` printed, byte for byte; null where it printed none. */
export function listedTarget(bytes: Buffer, path: string): Buffer | null {
  const before = Buffer.from(` ${path}${ARROW}`);
  const at = bytes.indexOf(before);
  return at < 0 ? null : withoutLineEnd(bytes.subarray(at + before.length));
}

/** Without the one line feed that a tool puts behind a name, which may have others of its own. */
export function withoutLineEnd(bytes: Buffer): Buffer {
  return bytes.at(-1) === 0x0a ? bytes.subarray(0, -1) : bytes;
}
