// What may stand where on a command line, told from the tables that help is made from: for completions.
import type { CommandSpec } from '../command.ts';
import type { Flag } from '../flags.ts';

/** What a word can be: one of these words, or something that is looked up. */
export type Takes =
  | readonly string[]
  | 'ports'
  | 'served'
  | 'leases'
  | 'profiles'
  | 'words'
  | 'files'
  | 'folders'
  | 'users'
  | 'hosts'
  | 'text';

/** Kinds that Portolan itself is asked about, each time anew. */
export const LIVE: ReadonlySet<Takes> = new Set<Takes>(['ports', 'served', 'leases', 'profiles', 'words']);

/** What a flag's value can be. */
export function flagTakes(flag: Flag): Takes {
  if (flag.oneOf !== undefined) return flag.oneOf;
  if (flag.name === 'profile') return 'profiles';
  if (flag.name === 'user') return 'users';
  switch (flag.value ?? '') {
    case 'PORT':
    case 'PORTS':
      return 'ports';
    case 'DIR':
      return 'folders';
    case 'HOST':
      return 'hosts';
    case 'FILE':
    case 'URL|FILE':
      return 'files';
    default:
      return 'text';
  }
}

/** What follows a command. */
export interface Operands {
  /** What each of them can be; null where it takes none. */
  readonly takes: Takes | null;
  /** How many there may be. */
  readonly several: boolean;
  /** A command of somebody else's stands after `--`. */
  readonly command: boolean;
}

/** Reads a usage line: `who PORT`, `audit [FILE…]`, `run NAME… -- COMMAND`, `facts [sources|update|reset]`. */
export function operandsOf({ name, usage }: CommandSpec): Operands {
  const [own = '', after] = usage.split(' -- ');
  const text = own
    .split(' ')
    .filter((word) => word !== name)
    .join(' ')
    .replace(/^\[(.*)\]$/, '$1');
  const several = text.endsWith('…') || text === 'WORDS';
  return {
    takes: text === '' ? null : takesOf(text.replace(/…$/, ''), name),
    several,
    command: after !== undefined,
  };
}

function takesOf(text: string, command: string): Takes {
  switch (text) {
    case 'PORT':
    case 'PORTS':
      // Connections are never stopped.
      return command === 'kill' ? 'served' : 'ports';
    case 'NAME':
      return 'leases';
    case 'WORDS':
      return 'words';
    case 'DIR':
      return 'folders';
    case 'FILE':
    case 'FILE|-':
      return 'files';
    default:
      return /^[a-z|-]+$/.test(text) ? text.split('|') : 'text';
  }
}
