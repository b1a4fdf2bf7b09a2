// `portolan reserve PORTS`: its words and flags.
import type { CommandSpec } from '../../command.ts';
import { reserveFlags } from '../../flags.ts';

export const spec: CommandSpec = {
  name: 'reserve',
  usage: 'reserve PORTS',
  summary:
    'keep ports out of automatic choice, now and after a reboot; shows the plan and changes nothing by itself',
  flags: reserveFlags('even if no port is left to hand out'),
  examples: [
    ['portolan reserve 60163', 'what would change, what to know, and the command that does it'],
    ['sudo portolan reserve 60163,7000-7010 --apply', 'adds them to what is reserved, and proves it'],
    [
      'portolan reserve postgresql --apply --config-root /mnt',
      'a service by name; the drop-in goes to /mnt/etc/sysctl.d',
    ],
  ],
  exits: '0 reserved, or the plan was shown; 1 it could not be done; Ctrl-C at the question is 130',
};
