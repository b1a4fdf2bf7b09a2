// `portolan list`: its words and flags.
import type { CommandSpec } from '../../command.ts';

export const spec: CommandSpec = {
  name: 'list',
  usage: 'list',
  summary: 'everything that holds a port on this host, and what each port is said to carry',
  flags: [
    { name: 'port', value: 'PORTS', summary: 'only this port or run of ports, as 443, 3000-3010 or https' },
    {
      name: 'transport',
      value: 'NAME',
      summary: 'only tcp, udp, sctp or dccp',
      oneOf: ['tcp', 'udp', 'sctp', 'dccp'],
    },
    {
      name: 'state',
      value: 'WORD',
      summary: 'only this state or kind: LISTEN, TIME_WAIT, bound, connection …',
      oneOf: [
        'LISTEN',
        'UNCONN',
        'BOUND',
        'ESTABLISHED',
        'TIME_WAIT',
        'CLOSE_WAIT',
        'connection',
        'redirect',
      ],
    },
    { name: 'user', value: 'NAME', summary: 'only sockets of this user, by name or number' },
    { name: 'process', value: 'WORD', summary: 'only sockets of this process, by pid or part of its name' },
    { name: 'all', value: null, summary: 'list each connection, and do not count them by owner' },
  ],
  examples: [
    ['portolan list', 'listeners and bound sockets; connections counted by owner'],
    ['portolan list --state TIME_WAIT', 'what still keeps ports after a connection was closed'],
    ['portolan list --process nginx --json', 'every socket of one program, for a script'],
    ['portolan list --host ann@box', 'the same of another host, over ssh'],
  ],
  exits: '0',
  fromSnapshot: true,
};
