// `portolan serve`: its words and flags.
import type { CommandSpec } from '../../command.ts';

export const spec: CommandSpec = {
  name: 'serve',
  usage: 'serve',
  summary: 'the pages: every port, with what this host does with it, live and for you alone',
  flags: [
    { name: 'port', value: 'N', summary: 'port to serve on; else one that nobody else will take is picked' },
    { name: 'open', value: null, summary: 'open the pages in the browser' },
  ],
  examples: [
    ['portolan serve', 'serve the pages on 127.0.0.1 and say where'],
    ['portolan serve --open', 'the same, and open them'],
  ],
  exits: '0 when it is stopped, 1 if the port cannot be had',
};
