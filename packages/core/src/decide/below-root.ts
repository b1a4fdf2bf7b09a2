// Where a path of a system leads whose root is a folder here: absolute links start at that root, and nothing leads out
// of it. Pure: links are read by whoever asks.

/** Most links that are followed, as the kernel does (man path_resolution(7)). */
const LINKS_LIMIT = 40;

/**
 * The path, from the root on, without links; null for a loop. `linkAt` gives the target of the link at a path from the
 * root on, and null for whatever is none. `..` at the root stays there.
 */
export function belowRoot(path: string, linkAt: (path: string) => string | null): string | null {
  let done = '';
  let left = partsOf(path);
  let links = 0;
  for (let part = left.shift(); part !== undefined; part = left.shift()) {
    if (part === '..') {
      done = done.slice(0, Math.max(0, done.lastIndexOf('/')));
      continue;
    }
    const next = `${done}/${part}`;
    const target = linkAt(next);
    if (target === null) {
      done = next;
      continue;
    }
    if (++links > LINKS_LIMIT) return null;
    if (target.startsWith('/')) done = '';
    left = [...partsOf(target), ...left];
  }
  return done === '' ? '/' : done;
}

function partsOf(path: string): string[] {
  return path.split('/').filter((part) => part !== '' && part !== '.');
}
