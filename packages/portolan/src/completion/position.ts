// Where on a command line the cursor stands, and what can be written there.
import type { CommandSpec } from '../command.ts';
import type { Flag } from '../flags.ts';
import { flagTakes, operandsOf, type Takes } from './takes.ts';

/** What is looked for at the cursor. */
export interface Sought {
  readonly takes: Takes;
  /** What stands there already. */
  readonly word: string;
}

/** What `portolan` takes without a command: a port, or the flags of `list`. */
const NO_COMMAND = { several: false, command: false, takes: 'ports' } as const;

/**
 * What can stand in the last of the words after `portolan`, which may be empty; null where nothing of ours can. `specOf`
 * gives the command of a name, or null; `shared` are the flags that need none.
 */
export async function soughtIn(
  words: readonly string[],
  shared: readonly Flag[],
  specOf: (name: string) => Promise<CommandSpec | null>,
): Promise<Sought | null> {
  const word = words.at(-1) ?? '';
  let spec: CommandSpec | null = null;
  let operands = 0;
  let waiting: Flag | null = null;
  const flagNamed = (name: string): Flag | undefined =>
    [...(spec?.flags ?? []), ...shared].find((flag) => flag.name === name);
  for (const before of words.slice(0, -1)) {
    if (waiting !== null) waiting = null;
    else if (before === '--') return null;
    else if (before.startsWith('--')) {
      const flag = before.includes('=') ? undefined : flagNamed(before.slice(2));
      waiting = flag === undefined || flag.value === null || flag.optional === true ? null : flag;
    } else if (!/^-\D/.test(before)) {
      const named: CommandSpec | null = spec === null && operands === 0 ? await specOf(before) : null;
      if (named === null) operands++;
      else spec = named;
    }
  }
  if (waiting !== null) return { takes: flagTakes(waiting), word };
  const [, name, value] = /^--([^=]+)=(.*)$/s.exec(word) ?? [];
  if (name !== undefined && value !== undefined) {
    const flag = flagNamed(name);
    return flag === undefined || flag.value === null ? null : { takes: flagTakes(flag), word: value };
  }
  if (word.startsWith('-')) return null;
  const { takes, several } = spec === null ? NO_COMMAND : operandsOf(spec);
  return takes === null || (operands > 0 && !several) ? null : { takes, word };
}
