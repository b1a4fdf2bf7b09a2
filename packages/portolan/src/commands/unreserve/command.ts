// `portolan unreserve PORTS`: its words and flags.
import type { CommandSpec } from '../../command.ts';

export const spec: CommandSpec = {
  name: 'unreserve',
  usage: 'unreserve PORTS',
  summary: 'undo reserve: give ports back to automatic choice, those alone that Portolan reserved',
  flags: [
    { name: 'apply', value: null, summary: 'do it; on a terminal it asks first' },
    { name: 'yes', short: 'y', value: null, summary: 'do not ask' },
    { name: 'now', value: null, summary: 'change the running list alone, no drop-in' },
    { name: 'no-prove', value: null, summary: 'do not ask the kernel for the ports to prove it' },
    { name: 'force', value: null, summary: 'take away what somebody else reserved, too' },
    {
      name: 'config-root',
      value: 'DIR',
      summary:
        'read and write sysctl drop-ins under DIR in place of /; the running list stays the one of this host',
    },
  ],
  examples: [
    ['portolan unreserve 60163', 'what would change'],
    ['sudo portolan unreserve 60163 --apply', 'list and drop-in are as they were before reserve'],
  ],
  exits: '0 given back, or the plan was shown; 1 it could not be done; Ctrl-C at the question is 130',
};
