// `portolan ephemeral`: its words and flags.
import type { CommandSpec } from '../../command.ts';

export const spec: CommandSpec = {
  name: 'ephemeral',
  usage: 'ephemeral',
  summary: 'ports this host hands out by itself: how full, by whom, how fast, and when they run out',
  flags: [
    { name: 'interval', value: 'SECONDS', summary: 'time between the two looks, 0.1 to 60; 1 by default' },
    { name: 'no-rate', value: null, summary: 'look once, tell no rate' },
  ],
  examples: [
    ['portolan ephemeral', 'the range, what is in use, and what runs out first'],
    ['portolan ephemeral --interval 10 --json', 'a steadier rate, for programs'],
  ],
  exits: '0',
};
