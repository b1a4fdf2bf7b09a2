// `portolan mcp`: its words and flags.
import type { CommandSpec } from '../../command.ts';

export const spec: CommandSpec = {
  name: 'mcp',
  usage: 'mcp',
  summary: 'answer agents and editors by the Model Context Protocol, on standard input and output',
  flags: [
    {
      name: 'allow-actions',
      value: null,
      summary: 'also offer plans that stop a listener or reserve ports, each done only when confirmed',
    },
  ],
  examples: [
    ['portolan mcp', 'for the configuration of a client; it ends when standard input does'],
    ['portolan mcp --allow-actions', 'with plan_kill, plan_reserve, plan_unreserve and confirm'],
  ],
  exits: '0 when standard input has ended',
};
