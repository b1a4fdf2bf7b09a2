// `portolan reserve PORTS`: its words and flags.
import type { CommandSpec } from '../../command.ts';

export const spec: CommandSpec = {
  name: 'reserve',
  usage: 'reserve PORTS',
  summary:
    'keep ports out of automatic choice, now and after a reboot; shows the plan and changes nothing by itself',
  flags: [
    { name: 'apply', value: null, summary: 'do it; on a terminal it asks first' },
    { name: 'yes', short: 'y', value: null, summary: 'do not ask' },
    { name: 'now', value: null, summary: 'change the running list alone, no drop-in' },
    { name: 'no-prove', value: null, summary: 'do not ask the kernel for the ports to prove it' },
    { name: 'force', value: null, summary: 'even if no port is left to hand out' },
    {
      name: 'config-root',
      value: 'DIR',
      summary:
        'read and write sysctl drop-ins under DIR in place of /; the running list stays the one of this host',
    },
  ],
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
