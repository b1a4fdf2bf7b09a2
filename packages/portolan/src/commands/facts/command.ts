// `portolan facts`: its words and flags.
import type { CommandSpec } from '../../command.ts';

export const spec: CommandSpec = {
  name: 'facts',
  usage: 'facts [sources|update|reset]',
  summary: 'where the facts come from, how old they are, and how to renew them',
  flags: [
    { name: 'from', value: 'URL|FILE', summary: "update: IANA's registry XML from elsewhere, gzip allowed" },
  ],
  examples: [
    ['portolan facts', 'editions, counts and age'],
    ['portolan facts sources', 'every source with its address'],
    ['portolan facts update', "fetch IANA's registry and use it from now on"],
    ['portolan facts update --from service-names-port-numbers.xml', 'the same from a file'],
    ['portolan facts reset', 'drop the fetched registry again'],
  ],
  exits: '0 done, 1 the update was refused or could not be fetched (nothing has changed then)',
};
