// `portolan kill PORT`: its words and flags.
import type { CommandSpec } from '../../command.ts';

export const spec: CommandSpec = {
  name: 'kill',
  usage: 'kill PORT',
  summary: 'stop what listens on a port; shows the plan and asks first, and never stops a connection',
  flags: [
    { name: 'yes', short: 'y', value: null, summary: 'do not ask; for scripts' },
    { name: 'force', value: null, summary: 'send SIGKILL to what still has the port when the wait is over' },
    { name: 'wait', value: 'SECONDS', summary: 'how long it may take to stop, 0 to 300; 5 by default' },
    { name: 'address', value: 'ADDRESS', summary: 'stop only what has the port on this very address' },
    { name: 'dry-run', value: null, summary: 'show the plan and do nothing' },
  ],
  examples: [
    ['portolan kill 3000', 'shows what would be stopped, asks, then sends SIGTERM'],
    ['portolan kill 8080/tcp --yes --force', 'in a script; SIGKILL after five seconds'],
    ['portolan kill 80 --dry-run', 'who it is, and what else goes with it'],
  ],
  exits:
    '0 no process has the port any more, 1 one still has, or nothing was done, 3 it could not be looked at; Ctrl-C at the question is 130',
};
