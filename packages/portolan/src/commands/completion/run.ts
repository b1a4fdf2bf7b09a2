// `portolan completion SHELL`: the script, made from the tables that help is made from.
import { PortolanError } from '@portolan/core';
import type { Run } from '../../command.ts';
import { bashScript } from '../../completion/bash.ts';
import { fishScript } from '../../completion/fish.ts';
import { powershellScript } from '../../completion/powershell.ts';
import { loadTable, type Table } from '../../completion/table.ts';
import { zshScript } from '../../completion/zsh.ts';
import { echo } from '../../flags.ts';

const SCRIPTS: ReadonlyMap<string, (table: Table) => string> = new Map([
  ['bash', bashScript],
  ['zsh', zshScript],
  ['fish', fishScript],
  ['powershell', powershellScript],
]);

export const run: Run = async ({ args, io, json }) => {
  const [shell, second] = args.positionals;
  const hint = `Shells: ${[...SCRIPTS.keys()].join(', ')}. As in: source <(portolan completion bash)`;
  if (shell === undefined) throw new PortolanError('USAGE', 'A shell is missing.', { hint });
  const make = SCRIPTS.get(shell);
  if (make === undefined)
    throw new PortolanError('USAGE', `There are no completions for “${echo(shell)}”.`, { hint });
  if (second !== undefined)
    throw new PortolanError('USAGE', `One shell is asked for, and “${echo(second)}” was given too.`, {
      hint,
    });
  if (json) throw new PortolanError('USAGE', 'completion prints a script; there is no JSON of it.');
  io.out(make(await loadTable()));
  return 0;
};
