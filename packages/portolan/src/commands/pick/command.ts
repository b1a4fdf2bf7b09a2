// `portolan pick`: its words and flags.
import type { CommandSpec } from '../../command.ts';
import { PROJECT_FLAG } from '../../flags.ts';

export const spec: CommandSpec = {
  name: 'pick',
  usage: 'pick',
  summary: 'good ports and why: free, claimed by nobody, outside every range that systems hand out',
  flags: [
    { name: 'count', value: 'N', summary: 'how many, 1 to 1000; 1 by default' },
    { name: 'near', value: 'PORT', summary: 'as near to this number as can be' },
    { name: 'name', value: 'NAME', summary: 'the same ports each time for this name of the project' },
    PROJECT_FLAG,
    {
      name: 'transport',
      value: 'LIST',
      summary: 'tcp, udp or both with a comma; both by default',
      oneOf: ['tcp', 'udp', 'tcp,udp'],
    },
    {
      name: 'allow',
      value: 'RULES',
      summary:
        'lift rules, commas between them: claimed, ephemeral-elsewhere, ephemeral-here, reserved, browser-blocked, system-ports, dynamic-ports',
      oneOf: [
        'claimed',
        'ephemeral-elsewhere',
        'ephemeral-here',
        'reserved',
        'browser-blocked',
        'system-ports',
        'dynamic-ports',
      ],
    },
    {
      name: 'hold',
      value: null,
      summary:
        'keep the ports from other pickers until standard input (a pipe or terminal) or the parent ends, or a signal comes',
    },
    { name: 'quiet', short: 'q', value: null, summary: 'the numbers alone, one a line' },
  ],
  examples: [
    ['portolan pick', 'a good port, and how many numbers each rule refused'],
    ['portolan pick --near 5173', 'whose 5173 is, and the nearest that is nobody’s'],
    ['PORT=$(portolan pick -q --name web)', 'in a script; the same number each time while it stays good'],
  ],
  exits: '0 found, 1 none, 3 could not look, so that nothing may be called free',
};
