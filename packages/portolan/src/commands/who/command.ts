// `portolan who PORT`: its words and flags.
import type { CommandSpec } from '../../command.ts';

export const spec: CommandSpec = {
  name: 'who',
  usage: 'who PORT',
  summary: 'who holds a port on this host, and nothing else',
  flags: [],
  examples: [
    ['portolan who 8080', 'holders of 8080, connections and closing sockets included'],
    ['portolan who 53/udp && echo taken', 'as a condition in a script'],
    ['portolan who 443 --host web1,web2', 'on other hosts, side by side, over ssh'],
  ],
  exits: '0 somebody holds it, 1 nobody does, 3 it could not be looked at',
  fromSnapshot: true,
};
