// `portolan ephemeral`: its words and flags.
import type { CommandSpec } from '../../command.ts';

export const spec: CommandSpec = {
  name: 'ephemeral',
  usage: 'ephemeral',
  summary: 'ports this host hands out by itself: how full, by whom, how fast, and when they run out',
  flags: [
    { name: 'interval', value: 'SECONDS', summary: 'time between the two looks, 0.1 to 60; 1 by default' },
    { name: 'no-rate', value: null, summary: 'look once, tell no rate' },
    {
      name: 'sample',
      value: null,
      summary: 'ask the kernel for ports, on loopback, and name its algorithm (RFC 6056)',
    },
    {
      name: 'count',
      value: 'N',
      summary: 'ports asked for by --sample (100 to 20000), names by --resolver (20 to 5000)',
    },
    {
      name: 'resolver',
      value: null,
      summary: 'judge the source ports of a DNS resolver: answers for a test zone',
    },
    {
      name: 'ask',
      value: 'ADDRESS[:PORT]',
      summary: 'with --resolver: the resolver to ask; else queries are waited for',
    },
    { name: 'address', value: 'ADDRESS', summary: 'with --resolver: where to answer; 127.0.0.1 by default' },
    { name: 'port', value: 'PORT', summary: 'with --resolver: port to answer on; else the system chooses' },
    { name: 'zone', value: 'NAME', summary: 'with --resolver: the test zone' },
    {
      name: 'for',
      value: 'SECONDS',
      summary: 'with --resolver: how long to wait at most, 0 to 3600; 60 by default',
    },
  ],
  examples: [
    ['portolan ephemeral', 'the range, what is in use, and what runs out first'],
    ['portolan ephemeral --sample', 'how this kernel chooses: parity, steps, entropy, reuse'],
    ['portolan ephemeral --resolver --port 5300', 'prints the lines for unbound, dnsmasq, BIND; then waits'],
    ['portolan ephemeral --resolver --port 5300 --ask 127.0.0.1', 'asks the resolver itself, and judges it'],
    ['portolan ephemeral --interval 10 --json', 'a steadier rate, for programs'],
  ],
  exits: '0',
};
