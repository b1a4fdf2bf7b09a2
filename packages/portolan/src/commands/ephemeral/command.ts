// `portolan ephemeral`: its words and flags.
import type { CommandSpec } from '../../command.ts';

export const spec: CommandSpec = {
  name: 'ephemeral',
  usage: 'ephemeral',
  summary: 'ports this host hands out by itself: how full, by whom, how fast, and when they run out',
  flags: [
    { name: 'interval', value: 'SECONDS', summary: 'time between the two looks, 0.1 to 60; 1 by default' },
    { name: 'no-rate', value: null, summary: 'look once, tell no rate' },
    {
      name: 'sample',
      value: null,
      summary: 'ask the kernel for ports, on loopback, and name its algorithm (RFC 6056)',
    },
    { name: 'count', value: 'N', summary: 'how many ports are asked for, 100 to 20000; 3000 by default' },
  ],
  examples: [
    ['portolan ephemeral', 'the range, what is in use, and what runs out first'],
    ['portolan ephemeral --sample', 'how this kernel chooses: parity, steps, entropy, reuse'],
    ['portolan ephemeral --interval 10 --json', 'a steadier rate, for programs'],
  ],
  exits: '0',
};
