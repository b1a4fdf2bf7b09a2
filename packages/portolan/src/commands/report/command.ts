// `portolan PORT`: its words and flags.
import type { CommandSpec } from '../../command.ts';

export const spec: CommandSpec = {
  name: 'report',
  usage: 'PORT',
  summary: 'what a port is said to carry, who is on it here, and what could take it',
  flags: [],
  examples: [
    ['portolan 60163', 'the whole answer about one port'],
    ['portolan 5173/tcp --json', 'the same for one transport, for a program'],
    ['portolan 3000-3010', 'a run of ports, one line each'],
    ['portolan https', 'by service name'],
  ],
  exits: '0',
  fromSnapshot: true,
};
