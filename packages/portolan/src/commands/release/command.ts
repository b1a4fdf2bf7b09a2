// `portolan release NAME`: its words and flags.
import type { CommandSpec } from '../../command.ts';
import { PROJECT_FLAG } from '../../flags.ts';

export const spec: CommandSpec = {
  name: 'release',
  usage: 'release NAME…',
  summary: 'give the ports of names in this project back; what runs on them is left alone',
  flags: [
    PROJECT_FLAG,
    {
      name: 'port',
      value: 'PORT',
      summary: 'the lease of this port, whosever name it is; damaged files too',
    },
  ],
  examples: [
    ['portolan release web', 'web of this project has no port of its own any more'],
    ['portolan release --port 4821', 'a lease of a project that is gone, or a damaged file'],
  ],
  exits: '0 released, 1 there was none, or it is another user’s',
};
