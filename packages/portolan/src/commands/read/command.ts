// `portolan read`: its words and flags.
import type { CommandSpec } from '../../command.ts';

export const spec: CommandSpec = {
  name: 'read',
  usage: 'read FILE|-',
  summary:
    'what other tools printed, understood: ss, lsof, netstat of any system, netsh, nmap, docker and more',
  flags: [
    {
      name: 'as',
      value: 'FORMAT',
      summary: 'take it for this and nothing else: ss, lsof, netstat, netstat-windows, … (“list” lists them)',
    },
    { name: 'all', value: null, summary: 'list each connection, and do not count them by owner' },
  ],
  examples: [
    ['ss -tuanp | portolan read -', 'what each port is for, and what ss does not show'],
    ['portolan read netstat.txt', 'from any system, in any display language; several tools in one file, too'],
    ['portolan list --json > here.json; portolan read here.json', 'a list that was saved'],
    ['portolan why 8080 --snapshot sockets.txt', 'PORT, list, who, why and audit answer from such a file'],
  ],
  exits: '0, 1 nothing in it was understood',
  looksAtNoHost: true,
};
