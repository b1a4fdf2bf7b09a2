// The tables as the makers of completion scripts and of the manual want them: every command's words, loaded.
import type { CommandSpec } from '../command.ts';
import { COMMANDS, PORT_COMMAND } from '../commands.ts';
import { type Flag, GLOBAL_FLAGS } from '../flags.ts';

/** All there is to complete. */
export interface Table {
  /** What every command takes. */
  readonly shared: readonly Flag[];
  /** What `portolan PORT` is. */
  readonly port: CommandSpec;
  /** What `portolan` alone is: its flags need no command before them. */
  readonly alone: CommandSpec;
  /** Every command that has a word of its own, in the order of help. */
  readonly commands: readonly CommandSpec[];
}

/** Loads every command's words. */
export async function loadTable(): Promise<Table> {
  const specs = await Promise.all(Object.values(COMMANDS).map((entry) => entry.spec()));
  const named = (name: string): CommandSpec => {
    const found = specs.find((spec) => spec.name === name);
    if (found === undefined) throw new Error(`no command ${name}`);
    return found;
  };
  return {
    shared: GLOBAL_FLAGS,
    port: named(PORT_COMMAND),
    alone: named('list'),
    commands: specs.filter(({ name }) => name !== PORT_COMMAND),
  };
}

/** Flags that may stand before any command: those of all, and those of `list`. */
export function firstFlags({ shared, alone }: Table): readonly Flag[] {
  return [...shared, ...alone.flags];
}

/** All that a command takes: a flag of its own stands for one of all that has the same name. */
export function flagsOf(spec: CommandSpec, { shared }: Pick<Table, 'shared'>): readonly Flag[] {
  return [...spec.flags, ...shared.filter(({ name }) => spec.flags.every((own) => own.name !== name))];
}
