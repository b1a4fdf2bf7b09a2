// `portolan search WORDS`: its words and flags.
import type { CommandSpec } from '../../command.ts';

export const spec: CommandSpec = {
  name: 'search',
  usage: 'search WORDS',
  summary: 'claims by service, product or vendor',
  flags: [{ name: 'limit', value: 'N', summary: 'show at most N claims (default 30; JSON has all)' }],
  examples: [
    ['portolan search postgres', 'ports that have to do with PostgreSQL'],
    ['portolan search apple file --json', 'claims with both words, with their sources'],
  ],
  exits: '0 something was found, 1 nothing was',
};
