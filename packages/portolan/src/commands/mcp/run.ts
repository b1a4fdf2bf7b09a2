// `portolan mcp`: serves until standard input ends; standard output carries the protocol and nothing else.
import { PortolanError, say } from '@portolan/core';
import type { Run } from '../../command.ts';
import { echo } from '../../flags.ts';

export const run: Run = async (context) => {
  const { positionals, switches, values } = context.args;
  const [first] = positionals;
  if (first !== undefined) {
    throw new PortolanError('USAGE', `mcp takes no “${echo(first)}”.`, {
      hint: 'Clients ask through standard input; see docs/programs.md.',
    });
  }
  const actions = switches.has('allow-actions');
  if (actions && values.has('procfs-root')) {
    throw new PortolanError('USAGE', 'Nothing can be changed on a recorded host (--procfs-root).', {
      hint: 'Leave --allow-actions out.',
    });
  }
  // A person who typed it would wait for an answer.
  if (process.stdin.isTTY) context.io.err(`${context.lang.say(say('mcp.waiting'))}\n`);
  const { serve } = await import('../../mcp/serve.ts');
  await serve(context, actions);
  return 0;
};
