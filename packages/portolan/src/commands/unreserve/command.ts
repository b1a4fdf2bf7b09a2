// `portolan unreserve PORTS`: its words and flags.
import type { CommandSpec } from '../../command.ts';
import { reserveFlags } from '../../flags.ts';

export const spec: CommandSpec = {
  name: 'unreserve',
  usage: 'unreserve PORTS',
  summary: 'undo reserve: give ports back to automatic choice, those alone that Portolan reserved',
  flags: reserveFlags('take away what somebody else reserved, too'),
  examples: [
    ['portolan unreserve 60163', 'what would change'],
    ['sudo portolan unreserve 60163 --apply', 'list and drop-in are as they were before reserve'],
  ],
  exits: '0 given back, or the plan was shown; 1 it could not be done; Ctrl-C at the question is 130',
};
