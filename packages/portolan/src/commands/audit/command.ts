// `portolan audit`: its words and flags.
import type { CommandSpec } from '../../command.ts';
import { CONFIG_ROOT_FLAG } from '../../flags.ts';

export const spec: CommandSpec = {
  name: 'audit',
  usage: 'audit [FILE…]',
  summary:
    'every fixed port of this host and of project files, against what systems hand out and what others claim',
  flags: [
    {
      name: 'profile',
      value: 'NAME',
      summary:
        'ports of a product: xsan, kubernetes-node, wireguard, … (“list” lists them) or a file of your own',
      repeats: true,
    },
    CONFIG_ROOT_FLAG,
    { name: 'sarif', value: null, summary: 'print SARIF 2.1.0 for code hosts' },
    {
      name: 'baseline',
      value: 'FILE',
      summary: 'leave out the findings that FILE knows, each with a reason',
    },
    {
      name: 'write-baseline',
      value: 'FILE',
      summary: 'write the findings to FILE as known; reasons there are kept',
    },
    { name: 'reason', value: 'TEXT', summary: 'reason that --write-baseline gives for new entries' },
  ],
  examples: [
    ['portolan audit', 'listeners, systemd units, and the project files of this folder'],
    ['portolan audit compose.yaml k8s/*.yaml', 'these files alone'],
    ['portolan audit --profile xsan', 'Xsan: its window of ports, what it collides with, and a better one'],
    ['portolan audit --sarif > portolan.sarif', 'for a code host'],
    ['portolan audit --write-baseline .portolan-known.json --reason "moved next release"', 'known findings'],
  ],
  exits: '0 nothing found, 1 findings, 2 wrong usage, 3 nothing could be looked at',
  fromSnapshot: true,
};
