// nft's JSON to redirects: every match and target as nft 1.0 prints it, and what cannot be read is told with its place.
import type { PortRange, Redirect } from '@portolan/core';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Found, type Wanted, walkTables } from './linux-nat.ts';
import { dormantTables, parseNftRuleset } from './linux-nft.ts';
import { formatNetwork } from './network.ts';

type Json = unknown;

const ALL: Wanted = { ports: null, transports: ['tcp', 'udp'] };
const asks = (port: number): Wanted => ({ ports: [port, port], transports: ['tcp', 'udp'] });

const payload = (protocol: string, field: string): Json => ({ payload: { protocol, field } });
const match = (left: Json, right: Json, op = '=='): Json => ({ match: { op, left, right } });
const dport = (right: Json, protocol = 'tcp', op = '=='): Json =>
  match(payload(protocol, 'dport'), right, op);
const l4proto = (right: Json): Json => match({ meta: { key: 'l4proto' } }, right);
const local = match({ fib: { result: 'type', flags: ['daddr'] } }, 'local');
const redirect = (port: number | null = null): Json => ({ redirect: port === null ? null : { port } });
const jump = (target: string): Json => ({ jump: { target } });

const at = { family: 'ip', table: 't' };
const base = (name: string, hook = 'prerouting', over: object = {}): Json => ({
  chain: { ...at, name, handle: 1, type: 'nat', hook, prio: -100, policy: 'accept', ...over },
});
const chain = (name: string, over: object = {}): Json => ({ chain: { ...at, name, handle: 2, ...over } });
const rule = (name: string, expr: Json[], over: object = {}): Json => ({
  rule: { ...at, chain: name, handle: 9, expr, ...over },
});

interface Reading {
  found: readonly Found[];
  redirects: Redirect[];
  unread: string[];
  xt: unknown;
  garbled: boolean;
}

/** What a text says of these ports, or where it is broken. */
function readText(
  text: string,
  wanted: Wanted,
  dormant: ReadonlySet<string> | null = null,
): Reading | { place: string } {
  const ruleset = parseNftRuleset(text, dormant);
  if (!ruleset.ok) return { place: ruleset.place };
  const { found, missed } = walkTables(ruleset.tables, wanted);
  return {
    found,
    redirects: found.map((one) => one.redirect),
    unread: [...ruleset.unread, ...missed.map(({ place }) => place)],
    xt: ruleset.xt,
    garbled: ruleset.garbled,
  };
}

function read(entries: Json[], wanted: Wanted = ALL): { redirects: Redirect[]; unread: string[] } {
  const reading = readText(JSON.stringify({ nftables: entries }), wanted);
  if ('place' in reading) throw new Error(reading.place);
  return { redirects: reading.redirects, unread: reading.unread };
}

/** `tcp 80 > 10.0.0.1:8080`, with the address in front where the rule has one. */
function brief(entries: Json[], wanted: Wanted = ALL): string[] {
  return read(entries, wanted).redirects.map(({ transport, address, ports, target }) => {
    const run = ports[0] === ports[1] ? `${ports[0]}` : ports.join('-');
    return `${transport} ${address === null ? '' : `${address} `}${run} > ${target.address ?? 'here'}:${target.port ?? 'same'}`;
  });
}

/** The rules of one nat chain in prerouting. */
const inPre = (...exprs: Json[][]): Json[] => [base('pre'), ...exprs.map((expr) => rule('pre', expr))];

test('a plain redirect, with all that is known of it', () => {
  const [only, ...more] = read([
    base('pre'),
    rule('pre', [dport(8080), { counter: { packets: 0, bytes: 0 } }, redirect(80)], { comment: 'web' }),
  ]).redirects;
  expect(more).toEqual([]);
  expect(only).toEqual({
    transport: 'tcp',
    family: 'ipv4',
    address: null,
    ports: [8080, 8080],
    target: { address: null, port: 80 },
    hooks: ['prerouting'],
    by: 'nftables',
    table: 't',
    chain: 'pre',
    maker: null,
    name: 'web',
    publishes: null,
  });
});

test.each<[string, Json[], string[]]>([
  ['one port', [dport(80), redirect(1)], ['tcp 80 > here:1']],
  ['a range', [dport({ range: [30, 40] }), redirect(1)], ['tcp 30-40 > here:1']],
  ['a set', [dport({ set: [{ range: [1, 2] }, 9] }), redirect(1)], ['tcp 1-2 > here:1', 'tcp 9 > here:1']],
  ['a named set', [dport('@ports'), redirect(1)], ['tcp 80 > here:1', 'tcp 90-95 > here:1']],
  ['all but one', [dport(53, 'udp', '!='), redirect(1)], ['udp 0-52 > here:1', 'udp 54-65535 > here:1']],
  ['all but a set', [dport({ set: [0, 65_535] }, 'tcp', '!='), redirect(1)], ['tcp 1-65534 > here:1']],
  ['below', [dport(100, 'tcp', '<'), redirect(1)], ['tcp 0-99 > here:1']],
  ['from', [dport(65_000, 'tcp', '>='), redirect(1)], ['tcp 65000-65535 > here:1']],
  ['no port at all', [l4proto('tcp'), redirect(1)], ['tcp 0-65535 > here:1']],
  [
    'any transport',
    [{ dnat: { addr: '10.0.0.1' } }],
    ['tcp 0-65535 > 10.0.0.1:same', 'udp 0-65535 > 10.0.0.1:same'],
  ],
  [
    'two transports',
    [l4proto({ set: ['tcp', 'udp'] }), dport(53, 'th'), redirect(1)],
    ['tcp 53 > here:1', 'udp 53 > here:1'],
  ],
  ['a transport by number', [l4proto(17), dport(53, 'th'), redirect(1)], ['udp 53 > here:1']],
  ['no transport of ours', [l4proto('icmp'), redirect(1)], []],
  ['not tcp', [match({ meta: { key: 'l4proto' } }, 'tcp', '!='), redirect(1)], ['udp 0-65535 > here:1']],
  ['the same port', [dport(80), redirect()], ['tcp 80 > here:same']],
  [
    'a range of target ports',
    [dport(80), { redirect: { port: { range: [100, 110] } } }],
    ['tcp 80 > here:100'],
  ],
  ['address and port', [dport(80), { dnat: { addr: '10.0.0.1', port: 8080 } }], ['tcp 80 > 10.0.0.1:8080']],
  [
    'a range of addresses',
    [dport(7), { dnat: { addr: { range: ['10.0.0.1', '10.0.0.9'] } } }],
    ['tcp 7 > 10.0.0.1:same'],
  ],
  [
    'an address',
    [match(payload('ip', 'daddr'), '10.1.2.3'), dport(80), redirect(1)],
    ['tcp 10.1.2.3 80 > here:1'],
  ],
  [
    'a prefix',
    [match(payload('ip', 'daddr'), { prefix: { addr: '10.0.0.0', len: 8 } }), dport(80), redirect(1)],
    ['tcp 10.0.0.0/8 80 > here:1'],
  ],
  [
    'addresses from to',
    [match(payload('ip', 'daddr'), { range: ['10.0.0.1', '10.0.0.4'] }), dport(80), redirect(1)],
    ['tcp 10.0.0.1 80 > here:1', 'tcp 10.0.0.2/31 80 > here:1', 'tcp 10.0.0.4 80 > here:1'],
  ],
  [
    'not an address',
    [match(payload('ip', 'daddr'), '127.0.0.1', '!='), dport(80), redirect(1)],
    ['tcp 80 > here:1'],
  ],
  ['addresses of this host', [local, dport(80), redirect(1)], ['tcp 80 > here:1']],
  [
    'addresses of others only',
    [match({ fib: { result: 'type', flags: ['daddr'] } }, 'local', '!='), dport(80), redirect(1)],
    [],
  ],
  [
    'an interface',
    [match({ meta: { key: 'iifname' } }, 'eth0'), dport(80), redirect(1)],
    ['tcp 80 > here:1'],
  ],
  [
    'the original port',
    [l4proto('tcp'), match({ ct: { key: 'proto-dst', dir: 'original' } }, 15), redirect(1)],
    ['tcp 15 > here:1'],
  ],
  [
    'a map to addresses',
    [
      {
        dnat: {
          addr: {
            map: {
              key: payload('tcp', 'dport'),
              data: {
                set: [
                  [80, '10.0.0.3'],
                  [{ range: [90, 95] }, '10.0.0.4'],
                ],
              },
            },
          },
        },
      },
    ],
    ['tcp 80 > 10.0.0.3:same', 'tcp 90-95 > 10.0.0.4:same'],
  ],
  [
    'a named map to addresses with ports',
    [{ dnat: { family: 'ip', addr: { map: { key: payload('tcp', 'dport'), data: '@pm' } } } }],
    ['tcp 1000 > 10.0.0.1:80', 'tcp 1001 > 10.0.0.2:81'],
  ],
  [
    'a map to ports',
    [dport(4), { redirect: { port: { map: { key: payload('tcp', 'dport'), data: { set: [[4, 5]] } } } } }],
    ['tcp 4 > here:5'],
  ],
  [
    'shared out among several',
    [
      dport(8),
      {
        dnat: {
          addr: {
            map: {
              key: { numgen: { mode: 'inc', mod: 2, offset: 0 } },
              data: {
                set: [
                  [0, '10.0.0.1'],
                  [1, '10.0.0.2'],
                ],
              },
            },
          },
          port: 80,
        },
      },
    ],
    ['tcp 8 > 10.0.0.1:80'],
  ],
  [
    'protocol and port together',
    [
      match(
        { concat: [{ meta: { key: 'l4proto' } }, payload('th', 'dport')] },
        { set: [{ concat: ['tcp', 80] }, { concat: ['udp', { range: [90, 99] }] }] },
      ),
      redirect(1),
    ],
    ['tcp 80 > here:1', 'udp 90-99 > here:1'],
  ],
])('%s', (_, expr, expected) => {
  const sets = [
    { set: { ...at, name: 'ports', type: 'inet_service', elem: [80, { range: [90, 95] }] } },
    {
      map: {
        ...at,
        name: 'pm',
        type: 'inet_service',
        elem: [
          [1000, { concat: ['10.0.0.1', 80] }],
          [1001, { concat: ['10.0.0.2', 81] }],
        ],
      },
    },
  ];
  const all = [...sets, ...inPre(expr)];
  expect(brief(all)).toEqual(expected);
  expect(read(all).unread).toEqual([]);
});

test.each<[string, Json[]]>([
  ['bits of the port', [match({ '&': [payload('tcp', 'dport'), 15] }, 3), redirect(1)]],
  ['raw bits that hold the port', [match({ payload: { base: 'th', offset: 16, len: 16 } }, 80), redirect(1)]],
  ['a set that is not there', [dport('@nowhere'), redirect(1)]],
  ['a word for a port', [dport('https'), redirect(1)]],
  ['a map that is not there', [{ vmap: { key: payload('tcp', 'dport'), data: '@nowhere' } }]],
  ['a target of an unknown form', [dport(80), { dnat: { addr: { something: 1 } } }]],
  [
    'a verdict of an unknown form',
    [{ vmap: { key: payload('tcp', 'dport'), data: { set: [[80, { leap: 1 }]] } } }],
  ],
])('%s is told as not read', (_, expr) => {
  const { redirects, unread } = read(inPre(expr));
  expect(redirects).toEqual([]);
  expect(unread).toEqual(['table t, chain pre, handle 9']);
});

describe('the way through the chains', () => {
  test('a jump hands on what has been asked so far', () => {
    const entries = [
      base('pre'),
      chain('x'),
      chain('y'),
      rule('pre', [match(payload('ip', 'daddr'), { prefix: { addr: '10.0.0.0', len: 8 } }), jump('x')]),
      rule('x', [dport({ range: [80, 90] }), jump('y')]),
      rule('y', [match(payload('ip', 'daddr'), '10.1.1.1'), dport({ set: [85, 95] }), redirect(1)]),
      rule('y', [match(payload('ip', 'daddr'), '11.1.1.1'), redirect(2)]),
      rule('y', [dport(80, 'udp'), redirect(3)]),
    ];
    expect(brief(entries)).toEqual(['tcp 10.1.1.1 85 > here:1']);
    expect(read(entries).redirects[0]?.chain).toBe('y');
  });
  test('an earlier rule takes the packets from a later one, for the ports it has and no others', () => {
    expect(brief(inPre([dport(81), { return: null }], [dport({ range: [80, 82] }), redirect(1)]))).toEqual([
      'tcp 80 > here:1',
      'tcp 82 > here:1',
    ]);
    expect(brief(inPre([dport(80), redirect(1)], [dport(80), redirect(2)]))).toEqual(['tcp 80 > here:1']);
    expect(brief(inPre([{ accept: null }], [dport(80), redirect(2)]))).toEqual([]);
    // Of another transport, or only of one interface, is not all of it.
    const udp = inPre([dport(80, 'udp'), { accept: null }], [dport(80), redirect(2)]);
    expect(brief(udp)).toEqual(['tcp 80 > here:2']);
    const some = inPre(
      [match({ meta: { key: 'iifname' } }, 'lo'), dport(80), { return: null }],
      [dport(80), redirect(2)],
    );
    expect(brief(some)).toEqual(['tcp 80 > here:2']);
  });
  test('return leaves one chain, accept all of them, goto comes back to the caller', () => {
    const go = (verdict: Json, last: Json): Json[] => [
      base('pre'),
      chain('x'),
      rule('pre', [dport(80), last]),
      rule('pre', [dport(80), redirect(9)]),
      rule('x', [verdict]),
      rule('x', [dport(80), redirect(1)]),
    ];
    expect(brief(go({ return: null }, jump('x')))).toEqual(['tcp 80 > here:9']);
    expect(brief(go({ accept: null }, jump('x')))).toEqual([]);
    expect(brief(go({ return: null }, { goto: { target: 'x' } }))).toEqual([]);
  });
  test('both hooks are one redirect; the lower priority comes first', () => {
    const entries = [
      base('late', 'prerouting', { prio: 0 }),
      base('pre'),
      base('out', 'output'),
      rule('late', [dport(80), redirect(2)]),
      rule('pre', [dport(80), redirect(1)]),
      rule('out', [dport(80), redirect(1)]),
    ];
    const [only, ...more] = read(entries).redirects;
    expect(more).toEqual([]);
    expect(only).toMatchObject({ hooks: ['prerouting', 'output'], target: { port: 1 } });
  });
  test('verdict maps, in place and by name, with and without a target', () => {
    const set = [
      [22, jump('x')],
      [23, { drop: null }],
      [{ range: [100, 200] }, { goto: { target: 'x' } }],
    ];
    const entries = [
      base('pre'),
      chain('x'),
      rule('x', [l4proto('tcp'), redirect(1)]),
      rule('pre', [{ vmap: { key: payload('tcp', 'dport'), data: { set } } }]),
      rule('pre', [dport({ set: [23, 24] }), redirect(2)]),
    ];
    expect(brief(entries)).toEqual(['tcp 22 > here:1', 'tcp 100-200 > here:1', 'tcp 24 > here:2']);
  });
  test('a chain that leads back to itself ends and is told', () => {
    const entries = [base('pre'), chain('x'), rule('pre', [jump('x')]), rule('x', [jump('pre')])];
    expect(read(entries)).toEqual({ redirects: [], unread: ['table t, chain pre'] });
  });
  test('chains that fan out without end are given up and told', () => {
    const entries: Json[] = [base('c0')];
    for (let i = 0; i < 30; i++) {
      entries.push(chain(`c${i + 1}`));
      for (let k = 0; k < 8; k++) entries.push(rule(`c${i}`, [jump(`c${i + 1}`)]));
    }
    expect(read(entries).unread).toEqual(['table t']);
  });
});

test('a table of both families follows the addresses, else the words', () => {
  const inet = { family: 'inet' };
  const families = read([
    base('p', 'prerouting', inet),
    rule(
      'p',
      [
        match(payload('ip6', 'daddr'), 'fd00::1'),
        dport(80),
        { dnat: { family: 'ip6', addr: 'fd00::2', port: 1 } },
      ],
      inet,
    ),
    rule('p', [match({ meta: { key: 'nfproto' } }, 'ipv4'), dport(81), redirect(1)], inet),
    rule('p', [dport(82), redirect(1)], inet),
    rule('p', [dport(83), { dnat: { addr: '10.0.0.1' } }], inet),
    rule('p', [match(payload('ip6', 'daddr'), 'fd00::1'), dport(84), { dnat: { addr: '10.0.0.1' } }], inet),
  ]).redirects.map(({ ports, family }) => [ports[0], family]);
  expect(families).toEqual([
    [80, 'ipv6'],
    [81, 'ipv4'],
    [82, null],
    [83, 'ipv4'],
  ]);
});

test('tproxy of a filter chain; other filter chains are nobody’s business', () => {
  const filter = { type: 'filter', prio: -150 };
  const entries = [
    base('m', 'prerouting', filter),
    rule('m', [
      dport(3128),
      { tproxy: { addr: '127.0.0.1', port: 50_080 } },
      { mangle: {} },
      { accept: null },
    ]),
    base('f', 'input', filter),
    rule('f', [dport('@nowhere'), redirect(1)]),
  ];
  expect(brief(entries)).toEqual(['tcp 3128 > 127.0.0.1:50080']);
  expect(read(entries).unread).toEqual([]);
});

test('a rule that asks for more than port and address is partial, unless another one asks for no more', () => {
  const iif = match({ meta: { key: 'iifname' } }, 'eth0');
  const saddr = match(payload('ip', 'saddr'), '10.0.0.1');
  for (const condition of [iif, saddr, { limit: { rate: 1, per: 'second' } }]) {
    const rules = inPre([condition, dport(80), redirect(1)]);
    expect(read(rules).redirects).toMatchObject([{ ports: [80, 80], partial: true }]);
  }
  expect(read(inPre([local, dport(80), redirect(1)])).redirects[0]).not.toHaveProperty('partial');
  const both = read(inPre([iif, dport(80), redirect(1)], [dport(80), redirect(1)])).redirects;
  expect(both).toHaveLength(1);
  expect(both[0]).not.toHaveProperty('partial');
});

describe('what an earlier rule keeps from a redirect', () => {
  const saddr = match(payload('ip', 'saddr'), { prefix: { addr: '10.9.0.0', len: 24 } });
  const ret = { return: null };
  const raw = (name = 'raw', hook = 'prerouting', over: object = {}): Json =>
    base(name, hook, { type: 'filter', prio: -300, ...over });
  const isPartial = (entries: Json[], wanted: Wanted = ALL): (boolean | undefined)[] =>
    read(entries, wanted).redirects.map(({ partial }) => partial);

  test.each<[string, Json[]]>([
    ['return', [saddr, ret]],
    ['accept', [saddr, { accept: null }]],
    ['drop', [saddr, { drop: null }]],
    ['return for some ports that cannot be told', [dport('@nowhere'), ret]],
    ['return in a set of ports', [saddr, dport({ set: [79, 80] }), ret]],
    [
      'accept in a verdict map',
      [saddr, { vmap: { key: payload('tcp', 'dport'), data: { set: [[80, { accept: null }]] } } }],
    ],
  ])('%s under a condition', (_, expr) => {
    expect(isPartial(inPre(expr, [dport(80), redirect(1)]))).toEqual([true]);
    // What comes later takes nothing.
    expect(isPartial(inPre([dport(80), redirect(1)], expr))).toEqual([undefined]);
  });
  test('for other ports or transports, by another redirect, or in a chain of its own: nothing', () => {
    for (const expr of [
      [saddr, dport(81), ret],
      [saddr, dport(80, 'udp'), ret],
      [saddr, dport(80), redirect(2)],
    ]) {
      expect(isPartial(inPre(expr, [dport(80), redirect(1)])).at(-1)).toBeUndefined();
    }
    const called = [base('pre'), chain('x'), rule('x', [saddr, ret])];
    expect(isPartial([...called, rule('pre', [jump('x')]), rule('pre', [dport(80), redirect(1)])])).toEqual([
      undefined,
    ]);
    const ended = [base('pre'), chain('x'), rule('x', [saddr, { accept: null }])];
    expect(isPartial([...ended, rule('pre', [jump('x')]), rule('pre', [dport(80), redirect(1)])])).toEqual([
      true,
    ]);
  });
  test('those that were spared went the same way before, as firewalld writes it', () => {
    const iif = match({ meta: { key: 'iifname' } }, 'eth0');
    const rules = (zone: string): Json[] => [
      base('pre'),
      chain('public'),
      chain('dmz'),
      rule('public', [dport(80), redirect(1)]),
      rule('pre', [iif, jump(zone)]),
      rule('pre', [iif, ret]),
      rule('pre', [jump('public')]),
    ];
    expect(isPartial(rules('public'))).toEqual([undefined]);
    expect(isPartial(rules('dmz'))).toEqual([true]);
  });
  test('for some addresses: told with them', () => {
    const spares = (...exprs: Json[][]): unknown => {
      const reading = readText(JSON.stringify({ nftables: inPre(...exprs) }), ALL);
      if ('place' in reading) throw new Error(reading.place);
      return reading.found.map(({ redirect: { partial }, spares: some }) => [
        partial,
        some.flatMap(formatNetwork),
      ]);
    };
    const daddr = (address: string): Json => match(payload('ip', 'daddr'), address);
    const all = [dport(80), redirect(1)];
    expect(spares([daddr('192.0.2.7'), ret], all)).toEqual([[undefined, ['192.0.2.7']]]);
    expect(spares([saddr, daddr('192.0.2.7'), ret], all)).toEqual([[undefined, ['192.0.2.7']]]);
    expect(spares([daddr('192.0.2.7'), ret], [saddr, ret], all)).toEqual([[true, []]]);
    expect(spares([daddr('192.0.2.7'), ret], [daddr('192.0.2.8'), ...all])).toEqual([[undefined, []]]);
  });
  test('chains that come before: drop and notrack keep packets from nat, accept does not', () => {
    const nat = inPre([dport(80), redirect(1)]);
    const before = (expr: Json[], over: object = {}): Json[] => [
      ...nat,
      raw('raw', 'prerouting', over),
      rule('raw', expr),
    ];
    expect(isPartial(before([saddr, { drop: null }]))).toEqual([true]);
    expect(isPartial(before([saddr, { notrack: null }]))).toEqual([true]);
    expect(isPartial(before([saddr, { accept: null }]))).toEqual([undefined]);
    expect(isPartial(before([dport(80), { drop: null }]))).toEqual([]);
    expect(isPartial(before([dport(80), { notrack: null }]))).toEqual([]);
    expect(isPartial(before([{ xt: { type: 'target', name: 'CT' } }]))).toEqual([true]);
    expect(isPartial(before([dport(22), { accept: null }], { policy: 'drop' }))).toEqual([true]);
    // Too late for what is tracked already, and after the redirect.
    expect(isPartial(before([dport(80), { notrack: null }], { prio: -150 }))).toEqual([undefined]);
    expect(isPartial(before([dport(80), { drop: null }], { prio: 0 }))).toEqual([undefined]);
    // A filter chain in output sends nothing, so that what cannot be followed in it is no gap.
    const output = [base('out', 'output'), rule('out', [dport(80), redirect(1)]), raw('raw', 'output')];
    const odd = [...output, rule('raw', [{ vmap: { key: payload('tcp', 'dport'), data: '@nowhere' } }])];
    expect(read(odd).unread).toEqual([]);
    expect(isPartial(odd)).toEqual([true]);
    expect(isPartial([...output, rule('raw', [saddr, { drop: null }])])).toEqual([true]);
    // tproxy needs no tracking.
    const proxy = [raw('p', 'prerouting', { prio: -150 }), rule('p', [dport(80), { tproxy: { port: 1 } }])];
    expect(isPartial([...proxy, raw(), rule('raw', [dport(80), { notrack: null }])])).toEqual([undefined]);
  });
  test('in one of two hooks', () => {
    const both = [
      base('pre'),
      base('out', 'output'),
      rule('pre', [saddr, ret]),
      rule('pre', [dport(80), redirect(1)]),
      rule('out', [dport(80), redirect(1)]),
    ];
    expect(read(both).redirects).toMatchObject([{ hooks: ['prerouting', 'output'], partial: true }]);
  });
  test('chains of one priority: which is first is not told, so that none has all', () => {
    const two = (port: number, prio: number): Json[] => [
      ...inPre([dport(80), redirect(1)], [dport(90), redirect(1)]),
      base('other', 'prerouting', { prio }),
      rule('other', [dport(80), redirect(port)]),
    ];
    expect(read(two(2, -100)).redirects).toMatchObject([
      { ports: [80, 80], target: { port: 1 }, partial: true },
      { ports: [90, 90] },
      { ports: [80, 80], target: { port: 2 }, partial: true },
    ]);
    expect(isPartial(two(2, -100))).toEqual([true, undefined, true]);
    expect(isPartial(two(1, -100))).toEqual([undefined, undefined]);
    expect(brief(two(2, -101))).toEqual(['tcp 80 > here:2', 'tcp 90 > here:1']);
    expect(isPartial(two(2, -101))).toEqual([undefined, undefined]);
  });
  test('chains of different families take nothing from each other', () => {
    const six = { family: 'ip6' };
    const entries = [
      base('six', 'prerouting', { ...six, prio: -101 }),
      rule('six', [dport(80), redirect(2)], six),
      ...inPre([dport(80), redirect(1)]),
    ];
    expect(brief(entries)).toEqual(['tcp 80 > here:2', 'tcp 80 > here:1']);
    expect(isPartial(entries)).toEqual([undefined, undefined]);
  });
  test('a known maker’s conditions keep its own traffic apart', () => {
    const of = { table: 'docker-bridges' };
    const entries = [
      base('pre', 'prerouting', of),
      rule('pre', [saddr, ret], of),
      rule('pre', [dport(80), redirect(1)], of),
    ];
    expect(isPartial(entries)).toEqual([undefined]);
  });
});

test.each<Json>(['dormant', ['dormant'], ['dormant', 'owner']])(
  'a dormant table does nothing (%j)',
  (flags) => {
    const table = { table: { family: 'ip', name: 't', handle: 1, flags } };
    expect(brief([table, ...inPre([dport(80), redirect(1)])])).toEqual([]);
    expect(
      brief([
        { table: { family: 'ip', name: 't', handle: 1, flags: ['owner'] } },
        ...inPre([dport(80), redirect(1)]),
      ]),
    ).toEqual(['tcp 80 > here:1']);
  },
);

test.each<Json>(['d', 't', '', [7]])(
  'flags that are none (%j, as of nft 1.0.6) need the plain text',
  (flags) => {
    const table = { table: { family: 'ip', name: 't', handle: 1, flags } };
    const text = JSON.stringify({ nftables: [table, ...inPre([dport(80), redirect(1)])] });
    const wanted: Wanted = { ports: null, transports: ['tcp'] };
    expect(readText(text, wanted)).toMatchObject({
      redirects: [],
      unread: ['table t'],
      garbled: true,
    });
    const awake = readText(text, wanted, dormantTables('table ip t {\n\tflags owner\n}\n'));
    expect(awake).toMatchObject({ redirects: [{ ports: [80, 80] }], unread: [], garbled: false });
    const asleep = dormantTables(
      'table ip t { # handle 1\n\tflags owner,dormant\n\tset s {\n\t\tflags interval\n\t}\n}',
    );
    expect(asleep).toEqual(new Set(['ip t']));
    expect(readText(text, wanted, asleep)).toMatchObject({
      redirects: [],
      unread: [],
      garbled: false,
    });
  },
);

test('sets too long to be compared with each other are told', () => {
  const odd = Array.from({ length: 1500 }, (_, i) => 2 * i + 1);
  expect(read(inPre([dport({ set: odd }), dport({ set: odd }), redirect(1)]))).toEqual({
    redirects: [],
    unread: ['table t, chain pre, handle 9'],
  });
});

test('thousands of addresses sent on whole are all told, and hide their own later rules alone', () => {
  const exprs = Array.from({ length: 6000 }, (_, i) => [
    match(payload('ip', 'daddr'), `10.0.${i >> 8}.${i & 255}`),
    { dnat: { addr: '10.244.0.1' } },
  ]);
  const at22 = (address: string): Json[] => [match(payload('ip', 'daddr'), address), dport(22), redirect(1)];
  const wanted: Wanted = { ports: [22, 22], transports: ['tcp'] };
  const found = brief(inPre(...exprs, at22('10.0.0.7'), at22('10.1.0.7')), wanted);
  expect(found).toHaveLength(6001);
  expect(found.at(-1)).toBe('tcp 10.1.0.7 22 > here:1');
});

test('thousands of Services are all told, each once', () => {
  const elem: Json[] = [];
  const chains: Json[] = [];
  for (let i = 0; i < 5000; i++) {
    elem.push([{ concat: [`10.96.${i >> 8}.${i & 255}`, 80] }, { goto: { target: `s${i}` } }]);
    chains.push(chain(`s${i}`), rule(`s${i}`, [{ dnat: { addr: '10.244.0.1', port: 8080 } }]));
  }
  const key = { concat: [payload('ip', 'daddr'), payload('tcp', 'dport')] };
  const entries = [
    { map: { ...at, name: 'services', elem } },
    base('pre'),
    base('out', 'output'),
    ...chains,
    rule('pre', [{ vmap: { key, data: '@services' } }]),
    rule('out', [{ vmap: { key, data: '@services' } }]),
  ];
  const { redirects, unread } = read(entries);
  expect(redirects).toHaveLength(5000);
  expect(unread).toEqual([]);
  expect(redirects.every(({ hooks }) => hooks.length === 2)).toBe(true);
});

test('tables of other families are passed over', () => {
  for (const family of ['arp', 'bridge', 'netdev', 'constructor']) {
    expect(
      read([base('p', 'prerouting', { family }), rule('p', [dport(1), redirect(1)], { family })]),
    ).toEqual({
      redirects: [],
      unread: [],
    });
  }
});

test('rules of iptables-nft are left to its own tool, and only where they may redirect', () => {
  const nat = { table: 'nat' };
  const entries = (hook: string): string =>
    JSON.stringify({
      nftables: [
        base('PREROUTING', hook, nat),
        rule('PREROUTING', [dport(80), { xt: { type: 'target', name: 'DNAT' } }], nat),
        rule('PREROUTING', [dport(81), redirect(1)], nat),
      ],
    });
  expect(parseNftRuleset(entries('prerouting'))).toEqual({
    ok: true,
    garbled: false,
    tables: [],
    unread: [],
    xt: [{ family: 'ipv4', name: 'nat' }],
  });
  expect(parseNftRuleset(entries('postrouting'))).toMatchObject({ xt: [] });
});

test('only what was asked for is told, with the whole range of its rule', () => {
  const entries = inPre([dport({ range: [80, 90] }), redirect(1)], [dport(8080), redirect(2)]);
  expect(brief(entries, asks(85))).toEqual(['tcp 80-90 > here:1']);
  expect(brief(entries, asks(91))).toEqual([]);
  expect(brief(entries, { ports: null, transports: ['udp'] })).toEqual([]);
});

describe('who wrote it', () => {
  const table = (name: string): object => ({ table: name });
  test('kube-proxy: one redirect for a port, named after the Service, with the first endpoint', () => {
    const k = table('kube-proxy');
    const service = 'service-NWBZK7IH-default/web/tcp/http';
    const external = 'external-NWBZK7IH-default/web/tcp/http';
    const ends = [
      'endpoint-A-default/web/tcp/http__10.244.1.5/8080',
      'endpoint-B-default/web/tcp/http__10.244.2.6/8080',
    ];
    const key = [payload('ip', 'daddr'), { meta: { key: 'l4proto' } }, payload('th', 'dport')];
    const entries = [
      {
        map: {
          ...at,
          ...k,
          name: 'service-ips',
          elem: [[{ concat: ['10.96.0.10', 'tcp', 80] }, { goto: { target: service } }]],
        },
      },
      {
        map: {
          ...at,
          ...k,
          name: 'service-nodeports',
          elem: [
            [{ elem: { val: { concat: ['tcp', 30_080] }, comment: 'x' } }, { goto: { target: external } }],
          ],
        },
      },
      { set: { ...at, ...k, name: 'nodeport-ips', elem: ['192.0.2.2'] } },
      base('nat-prerouting', 'prerouting', k),
      base('nat-output', 'output', k),
      ...['services', service, external, ...ends].map((name) => chain(name, k)),
      rule('nat-prerouting', [jump('services')], k),
      rule('nat-output', [jump('services')], k),
      rule('services', [{ vmap: { key: { concat: key }, data: '@service-ips' } }], k),
      rule(
        'services',
        [
          match(payload('ip', 'daddr'), '@nodeport-ips'),
          { vmap: { key: { concat: key.slice(1) }, data: '@service-nodeports' } },
        ],
        k,
      ),
      rule(external, [jump('nowhere-needed')], { ...k, expr: [{ mangle: {} }] }),
      rule(external, [{ goto: { target: service } }], k),
      rule(service, [match(payload('ip', 'saddr'), '10.0.0.1'), { goto: { target: ends[1] } }], k),
      rule(
        service,
        [
          {
            vmap: {
              key: { numgen: { mode: 'random', mod: 2, offset: 0 } },
              data: { set: ends.map((target, i) => [i, { goto: { target } }]) },
            },
          },
        ],
        k,
      ),
      ...ends.map((name, i) =>
        rule(name, [l4proto('tcp'), { dnat: { addr: `10.244.${i + 1}.${i + 5}`, port: 8080 } }], k),
      ),
    ];
    const both = { maker: 'kubernetes', name: 'default/web:http', hooks: ['prerouting', 'output'] };
    const found = read(entries);
    expect(found.unread).toEqual([]);
    expect(found.redirects).toHaveLength(2);
    expect(found.redirects[0]).toMatchObject({ ...both, address: '10.96.0.10', ports: [80, 80] });
    expect(found.redirects[1]).toMatchObject({ ...both, address: '192.0.2.2', ports: [30_080, 30_080] });
    expect(read(entries, asks(30_080)).redirects).toHaveLength(1);
  });
  test.each<[string, string, string, string | null]>([
    ['docker-bridges', 'nat-prerouting-and-output', 'docker', null],
    ['netavark', 'NETAVARK-HOSTPORT-DNAT', 'podman', null],
    ['cni_hostport', 'hostports', 'cni', null],
    ['my', 'DOCKERS', null as unknown as string, 'note'],
  ])('table %s', (name, inner, maker, called) => {
    const of = table(name);
    const [only] = read([
      base('pre', 'prerouting', of),
      chain(inner, of),
      rule('pre', [local, jump(inner)], of),
      rule(inner, [dport(8080), { dnat: { addr: '172.17.0.2', port: 80 } }], { ...of, comment: 'note' }),
    ]).redirects;
    expect(only).toMatchObject({ maker, name: called });
  });
});

describe('text of any kind', () => {
  const good = JSON.stringify({
    nftables: [
      { metainfo: { version: '1.0.6' } },
      { table: { family: 'ip', name: 't', handle: 1 } },
      { set: { ...at, name: 's', elem: [80, { range: [90, 95] }] } },
      base('pre'),
      chain('x'),
      rule('pre', [local, dport('@s'), jump('x')]),
      rule('pre', [{ vmap: { key: payload('tcp', 'dport'), data: { set: [[22, jump('x')]] } } }]),
      rule('x', [
        l4proto('tcp'),
        {
          dnat: {
            addr: { map: { key: payload('tcp', 'dport'), data: { set: [[80, '10.0.0.3']] } } },
            port: { range: [1, 2] },
          },
        },
      ]),
    ],
  });
  test('cut off or not JSON: an error with its place', () => {
    for (let length = 0; length < good.length; length++) {
      const found = parseNftRuleset(good.slice(0, length));
      expect(found.ok).toBe(false);
      if (!found.ok) expect(found.place).toMatch(/^position \d+$/);
    }
    expect(parseNftRuleset('{}')).toEqual({ ok: false, place: 'nftables' });
    expect(parseNftRuleset('null')).toEqual({ ok: false, place: 'nftables' });
  });
  test('entries of another shape are told', () => {
    const found = parseNftRuleset('{"nftables":[1,{"rule":2},{"rule":{"family":"ip","table":3}}]}');
    expect(found).toMatchObject({ ok: true, unread: ['entry 0', 'entry 1', 'entry 2'] });
  });
  test('any value in place of any other neither throws nor hangs, and ports stay ports', () => {
    const spots: (readonly (string | number)[])[] = [];
    const note = (value: Json, path: readonly (string | number)[]): void => {
      spots.push(path);
      if (typeof value === 'object' && value !== null) {
        for (const [key, inner] of Object.entries(value)) note(inner, [...path, key]);
      }
    };
    note(JSON.parse(good), []);
    const other = fc.oneof(
      fc.jsonValue({ maxDepth: 4 }),
      fc.constantFrom<Json>(
        '@s',
        '@x',
        '*',
        'pre',
        'x',
        'tcp',
        'dport',
        '10.0.0.1',
        'fd00::1',
        -1,
        1e9,
        0.5,
        { set: [] },
        { jump: { target: 'pre' } },
      ),
    );
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom(...spots), other), { minLength: 1, maxLength: 4 }),
        (changes) => {
          const tree = { root: JSON.parse(good) as Json };
          for (const [path, value] of changes) put(tree, ['root', ...path], value);
          const reading = readText(JSON.stringify(tree.root), ALL);
          if ('place' in reading) return;
          for (const { ports, target } of reading.redirects) {
            expect(isRange(ports)).toBe(true);
            if (target.port !== null) expect(isRange([target.port, target.port])).toBe(true);
          }
        },
      ),
      { numRuns: 3000 },
    );
  });
});

function isRange([first, last]: PortRange): boolean {
  return Number.isInteger(first) && Number.isInteger(last) && first >= 0 && first <= last && last <= 65_535;
}

function put(tree: object, path: readonly (string | number)[], value: Json): void {
  let spot = tree as Record<string, Json>;
  for (const key of path.slice(0, -1)) {
    const next = spot[key];
    if (typeof next !== 'object' || next === null) return;
    spot = next as Record<string, Json>;
  }
  spot[path.at(-1) ?? ''] = structuredClone(value);
}
