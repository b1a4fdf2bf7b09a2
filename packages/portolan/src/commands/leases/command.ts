// `portolan leases`: its words and flags.
import type { CommandSpec } from '../../command.ts';

export const spec: CommandSpec = {
  name: 'leases',
  usage: 'leases',
  summary:
    'every lease of this machine: port, name, project, whether its process lives and the port is in use',
  flags: [],
  examples: [['portolan leases', 'who has been promised what']],
  exits: '0',
};
