// `portolan watch`: its words and flags.
import type { CommandSpec } from '../../command.ts';

export const spec: CommandSpec = {
  name: 'watch',
  usage: 'watch [PORT]',
  summary: 'new, gone and changed holders as they happen',
  flags: [
    {
      name: 'all',
      value: null,
      summary: 'connections and closing sockets too; with a PORT they always are',
    },
    { name: 'for', value: 'SECONDS', summary: 'end after so long' },
    { name: 'interval', value: 'MS', summary: 'poll this often, 100 to 60000, whatever it costs' },
    {
      name: 'metrics',
      value: 'PORT',
      optional: true,
      summary:
        'count events and serve metrics for Prometheus on 127.0.0.1, on this port or one that is picked',
    },
    { name: 'text', value: null, summary: 'a line of text a change, where it would be a table or JSON' },
  ],
  examples: [
    ['portolan watch', 'a live table of listeners, bound and UDP sockets that come and go'],
    ['portolan watch 60163', 'whatever takes or leaves this port, connections included'],
    ['portolan watch --metrics', 'prints the address that Prometheus scrapes'],
    ['portolan watch | jq -c .holder.owners', 'into a pipe, one JSON object a line'],
  ],
  exits: '0; 128 and the number of the signal that ended it (Ctrl-C: 130), 3 it could not be looked at',
};
