// `portolan serve`: its words and flags.
import type { CommandSpec } from '../../command.ts';

export const spec: CommandSpec = {
  name: 'serve',
  usage: 'serve',
  summary: 'the pages: every port, with what this host does with it, live and for you alone',
  flags: [
    { name: 'port', value: 'N', summary: 'port to serve on; else one that nobody else will take is picked' },
    { name: 'open', value: null, summary: 'open the pages in the browser' },
    {
      name: 'pack',
      value: 'FILE',
      summary: 'serve the pages of a file that “portolan export --format pack” made; nothing of this host',
    },
  ],
  examples: [
    ['portolan serve', 'serve the pages on this host alone and say where, until Ctrl-C'],
    ['portolan serve --open', 'the same, and open them'],
    ['portolan serve --pack site.pack', 'the exported pages, without what this host does'],
    ['curl localhost:4650/ports/60163', 'the report as text, from a server on 4650'],
    ['kill -USR2 PID', 'have it print an address with a new code for another browser'],
  ],
  exits:
    '128 and the number of the signal that ended it (Ctrl-C: 130); 1 if the port cannot be had or the pack is damaged',
};
