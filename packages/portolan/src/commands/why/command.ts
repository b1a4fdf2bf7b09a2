// `portolan why PORT`: its words and flags.
import type { CommandSpec } from '../../command.ts';

export const spec: CommandSpec = {
  name: 'why',
  usage: 'why PORT',
  summary: 'can a port be bound here? tries it for a moment, and tells every cause and way out if not',
  flags: [
    {
      name: 'address',
      value: 'ADDRESS',
      summary: 'address to bind; without it [::] with IPv4 too (0.0.0.0 where there is no IPv6)',
    },
    {
      name: 'family',
      value: 'N',
      summary: '4 binds 0.0.0.0, 6 binds [::] for IPv6 alone (IPV6_V6ONLY)',
      oneOf: ['4', '6'],
    },
    {
      name: 'reuse',
      value: 'WHAT',
      summary: 'addr (SO_REUSEADDR; the default for tcp), port (SO_REUSEPORT), both or none (for udp)',
      oneOf: ['addr', 'port', 'both', 'none'],
    },
  ],
  examples: [
    ['portolan why 3000', 'can a server listen on 3000, and if not, why and what helps?'],
    ['portolan why 80 --address 127.0.0.1', 'the same for one address'],
    ['portolan why 53/udp --family 4 --reuse none', 'one exact bind'],
  ],
  exits: '0 it can be bound, 1 it cannot, 3 it could not be tried',
  fromSnapshot: true,
};
