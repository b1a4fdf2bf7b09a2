// `portolan run NAME -- COMMAND`: its words and flags.
import type { CommandSpec } from '../../command.ts';
import { PROJECT_FLAG } from '../../flags.ts';

export const spec: CommandSpec = {
  name: 'run',
  usage: 'run NAME… -- COMMAND',
  summary: 'run a command with PORT set to the name’s port, and PORTOLAN_PORT_NAME for each of several',
  flags: [
    PROJECT_FLAG,
    { name: 'transport', value: 'T', summary: 'tcp (the default) or udp', oneOf: ['tcp', 'udp'] },
    {
      name: 'socket',
      value: null,
      summary:
        'hand the command a socket that listens already, as descriptor 3 (4, …), with LISTEN_FDS, LISTEN_PID and LISTEN_FDNAMES (sd_listen_fds(3))',
    },
  ],
  examples: [
    ['portolan run web -- npm start', 'PORT is this project’s web port'],
    ['portolan run web api -- make dev', 'PORTOLAN_PORT_WEB and PORTOLAN_PORT_API; PORT is web’s'],
    ['portolan run web --socket -- ./server', 'the port is never free for others between lease and listen'],
  ],
  exits:
    'the command’s own; 128 and the number of the signal that ended it, 127 it was not found, 126 it cannot be run, 1 there is no port',
};
