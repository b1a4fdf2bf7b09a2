// `portolan lease NAME`: its words and flags.
import type { CommandSpec } from '../../command.ts';
import { PROJECT_FLAG } from '../../flags.ts';

export const spec: CommandSpec = {
  name: 'lease',
  usage: 'lease NAME',
  summary:
    'the port of a name in this project: the same every time, and no other project’s; into a pipe, the number alone',
  flags: [
    PROJECT_FLAG,
    { name: 'near', value: 'PORT', summary: 'a new lease as near to this number as can be' },
    { name: 'transport', value: 'T', summary: 'tcp (the default) or udp', oneOf: ['tcp', 'udp'] },
    { name: 'allow', value: 'RULES', summary: 'lift rules for a new lease, as for pick' },
    {
      name: 'pid',
      value: 'PID',
      summary: 'the process it is for; without it the one that called portolan, such as your shell',
    },
  ],
  examples: [
    ['PORT=$(portolan lease web) npm start', 'a port of its own for this project’s web server'],
    ['portolan lease api --project ~/shop', 'the port of another project’s api'],
  ],
  exits: '0 leased, 1 not',
};
