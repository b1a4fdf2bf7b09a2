// Flags as data, and the reading of a command line by them.
import { parseArgs } from 'node:util';
import { PortolanError } from '@portolan/core';
import { nearest } from './nearest.ts';

/** One flag. `value` names what it takes in help texts; null for a switch. */
export interface Flag {
  readonly name: string;
  readonly short?: string;
  readonly value: string | null;
  readonly summary: string;
  /** True where it may be given several times; the values are then joined by line feeds. */
  readonly repeats?: true;
  /** Words that completions offer for the value: all there are, or those that are usual. */
  readonly oneOf?: readonly string[];
  /** True where the value may be left out; `values` then has an empty text. */
  readonly optional?: true;
}

/** What every command takes. */
export const GLOBAL_FLAGS: readonly Flag[] = [
  { name: 'json', value: null, summary: 'print JSON for programs (see docs/json.md)' },
  {
    name: 'lang',
    value: 'TAG',
    summary: 'language of the answer: en (without it) or cs',
    oneOf: ['en', 'cs'],
  },
  {
    name: 'color',
    value: 'WHEN',
    summary: 'auto (only on a terminal, not with NO_COLOR), always or never',
    oneOf: ['auto', 'always', 'never'],
  },
  { name: 'procfs-root', value: 'DIR', summary: 'answer from a recorded copy of /proc' },
  {
    name: 'snapshot',
    value: 'FILE',
    summary: 'answer from what a tool printed, or from a saved list --json; - for stdin',
  },
  {
    name: 'host',
    value: 'HOST',
    summary: 'ask [user@]HOST over ssh, with nothing installed there; several with commas (docs/remote.md)',
    repeats: true,
  },
  { name: 'host-timeout', value: 'SECONDS', summary: 'how long a host may take to answer; 30 without it' },
  { name: 'here', value: null, summary: 'look at this network namespace alone' },
  { name: 'no-ffi', value: null, summary: 'use no native code; read /proc alone' },
  { name: 'no-bpf', value: null, summary: 'do not ask the kernel through BPF; walk the processes' },
  { name: 'help', short: 'h', value: null, summary: 'show help for the command' },
  { name: 'version', short: 'V', value: null, summary: 'print the version' },
];

/** The flag that says which project is meant. */
export const PROJECT_FLAG: Flag = {
  name: 'project',
  value: 'DIR',
  summary: 'the project; without it the git worktree around this folder, else this folder',
};

/** The flag that moves the root of the system's files: sysctl drop-ins, units, fsports. */
export const CONFIG_ROOT_FLAG: Flag = {
  name: 'config-root',
  value: 'DIR',
  summary:
    'read and write files of the system (sysctl drop-ins, units, fsports …) under DIR in place of /; what runs stays this host’s',
};

/** The flags of `reserve` and `unreserve`, which undo each other. */
export function reserveFlags(force: string): readonly Flag[] {
  return [
    { name: 'apply', value: null, summary: 'do it; on a terminal it asks first' },
    { name: 'yes', short: 'y', value: null, summary: 'do not ask' },
    { name: 'now', value: null, summary: 'change the running list alone, no drop-in' },
    { name: 'no-prove', value: null, summary: 'do not ask the kernel for the ports to prove it' },
    { name: 'force', value: null, summary: force },
    CONFIG_ROOT_FLAG,
  ];
}

/** The flags of a command: its own take the place of global ones of the same name. */
export function flagsOf(own: readonly Flag[]): readonly Flag[] {
  return [...GLOBAL_FLAGS.filter(({ name }) => !own.some((flag) => flag.name === name)), ...own];
}

/** A command line as read. */
export interface Parsed {
  readonly positionals: readonly string[];
  /** How many of them stand before `--`; null where there is none. */
  readonly beforeEnd: number | null;
  readonly switches: ReadonlySet<string>;
  readonly values: ReadonlyMap<string, string>;
}

/** Longest piece of an argument that is shown back to the user. */
const ECHO_LIMIT = 60;

/** Longest argument that is read at all: parseArgs takes "-999…" apart letter by letter, which costs its stack. */
const ARGUMENT_LIMIT = 1 << 15;

/** An argument cut to a length that can be shown. */
export function echo(argument: string): string {
  return argument.length <= ECHO_LIMIT ? argument : `${argument.slice(0, ECHO_LIMIT)}…`;
}

/** Reads arguments by the flags; throws USAGE with the nearest flag for one that is not there. */
export function parseFlags(args: readonly string[], flags: readonly Flag[]): Parsed {
  const end = args.indexOf('--');
  const ours = end < 0 ? args : args.slice(0, end);
  const tooLong = ours.find((argument) => argument.length > ARGUMENT_LIMIT);
  if (tooLong !== undefined) throw new PortolanError('USAGE', `An argument is too long: “${echo(tooLong)}”.`);
  const options = Object.fromEntries(
    flags.map(({ name, short, value }) => [
      name,
      {
        type: value === null ? ('boolean' as const) : ('string' as const),
        ...(short === undefined ? {} : { short }),
      },
    ]),
  );
  const { tokens } = parseArgs({
    // "-1" is a wrong port and not a flag; a blank before it keeps parseArgs from taking its digits for flags.
    args: args.map((argument, index) =>
      /^-\d/.test(argument) ? ` ${argument}` : isLeftOut(args, index, flags) ? `${argument}=` : argument,
    ),
    options,
    allowPositionals: true,
    strict: false,
    tokens: true,
  });
  const positionals: string[] = [];
  const switches = new Set<string>();
  const values = new Map<string, string>();
  let beforeEnd: number | null = null;
  for (const token of tokens) {
    if (token.kind === 'option-terminator') beforeEnd = positionals.length;
    if (token.kind === 'positional') positionals.push(args[token.index] ?? token.value);
    if (token.kind !== 'option') continue;
    const flag = flags.find((known) => known.name === token.name);
    if (flag === undefined) throw unknownFlag(token.rawName, flags);
    if (flag.value === null) {
      if (token.value !== undefined) throw new PortolanError('USAGE', `--${flag.name} takes no value.`);
      switches.add(flag.name);
    } else {
      const mayBeEmpty = flag.optional === true || flag.name === 'user';
      if (token.value === undefined || (token.value === '' && !mayBeEmpty)) {
        throw new PortolanError('USAGE', `--${flag.name} needs a value: --${flag.name} ${flag.value}.`);
      }
      const before = values.get(flag.name);
      if (before !== undefined && flag.repeats !== true) {
        throw new PortolanError('USAGE', `--${flag.name} was given twice.`);
      }
      const value = token.value.replace(/^ (?=-\d)/, '');
      values.set(flag.name, before === undefined ? value : `${before}\n${value}`);
    }
  }
  return { positionals, beforeEnd, switches, values };
}

/** Is this a flag whose value may be left out, and is it? What follows is then another flag, or nothing. */
function isLeftOut(args: readonly string[], index: number, flags: readonly Flag[]): boolean {
  const flag = flags.find(({ name, optional }) => optional === true && args[index] === `--${name}`);
  const end = args.indexOf('--');
  if (flag === undefined || (end >= 0 && index > end)) return false;
  return args[index + 1]?.startsWith('-') ?? true;
}

function unknownFlag(name: string, flags: readonly Flag[]): PortolanError {
  const known = name.length === 2 ? ofLetter(name.slice(1), flags) : nearestFlag(name, flags);
  return new PortolanError('USAGE', `There is no flag ${echo(name)} here.`, {
    hint: known === null ? 'Flags are listed by --help.' : `Did you mean --${known}?`,
  });
}

function nearestFlag(name: string, flags: readonly Flag[]): string | null {
  return nearest(
    name.replace(/^-+/, ''),
    flags.map((flag) => flag.name),
  );
}

/** The one flag that a single letter can stand for: its short form in the other case, or the first letter of its name. */
function ofLetter(letter: string, flags: readonly Flag[]): string | null {
  const small = letter.toLowerCase();
  const short = flags.find((flag) => flag.short?.toLowerCase() === small);
  if (short !== undefined) return short.name;
  const [one, another] = flags.filter((flag) => flag.name.startsWith(small));
  return another === undefined ? (one?.name ?? null) : null;
}
