// Who keeps whom from binding, by the kernel's rules; and what is made of a bind and the pictures around it.
import { describe, expect, test } from 'vitest';
import { makeGap, makeOwner, makeSocket } from '../../../../fixtures/makers.ts';
import type { Holder } from '../model/report.ts';
import type { Redirect, Socket } from '../model/socket.ts';
import type { BindHost, BindResult, BindWish, CauseKind } from '../model/why.ts';
import { translator } from '../text/catalog.ts';
import { type Conflict, conflictOf } from './bind-rules.ts';
import { redirectHolder, toHolder } from './use.ts';
import { alternativesTo, fits, type WhyInput, whyOf } from './why.ts';

const PORT = 5000;
const ME = 1000;

function wish(address: string, over: Partial<BindWish> = {}): BindWish {
  const family = address.includes(':') ? 'ipv6' : 'ipv4';
  return {
    transport: 'tcp',
    port: PORT,
    family,
    address,
    zone: null,
    scope: 0,
    v6only: family === 'ipv4' ? null : false,
    reuse: 'addr',
    listen: true,
    ...over,
  };
}

function holder(address: string, over: Partial<Socket> = {}): Holder {
  const family = address.includes(':') ? 'ipv6' : 'ipv4';
  return toHolder(
    makeSocket({
      family,
      local: { address, port: PORT },
      ipv6Only: family === 'ipv4' ? null : false,
      ...over,
    }),
  );
}

describe('addresses that meet', () => {
  const only6: Partial<Socket> = { ipv6Only: true };
  test.each<[string, BindWish, Holder, Conflict]>([
    ['same', wish('127.0.0.1'), holder('127.0.0.1'), 'certain'],
    ['another', wish('127.0.0.2'), holder('127.0.0.1'), 'none'],
    ['wildcard wanted', wish('0.0.0.0'), holder('127.0.0.1'), 'certain'],
    ['wildcard held', wish('127.0.0.1'), holder('0.0.0.0'), 'certain'],
    ['both wildcards', wish('0.0.0.0'), holder('0.0.0.0'), 'certain'],
    ['dual-stack wanted, IPv4 held', wish('::'), holder('127.0.0.1'), 'certain'],
    ['IPv6 only wanted, IPv4 held', wish('::', { v6only: true }), holder('0.0.0.0'), 'none'],
    ['IPv4 wanted, dual-stack held', wish('127.0.0.1'), holder('::'), 'certain'],
    ['IPv4 wanted, IPv6 only held', wish('127.0.0.1'), holder('::', only6), 'none'],
    [
      'IPv4 wanted, IPv6 held with V6ONLY unknown',
      wish('127.0.0.1'),
      holder('::', { ipv6Only: null }),
      'possible',
    ],
    ['IPv6 wildcards, one for IPv6 alone', wish('::', { v6only: true }), holder('::'), 'certain'],
    ['IPv6 wildcards, held for IPv6 alone', wish('::'), holder('::', only6), 'certain'],
    ['IPv6 wanted, dual-stack held', wish('::1'), holder('::'), 'certain'],
    [
      'IPv6 wanted, IPv6 wildcard of unknown V6ONLY',
      wish('::1'),
      holder('::', { ipv6Only: null }),
      'certain',
    ],
    ['IPv6 wanted, IPv4 wildcard held', wish('::1'), holder('0.0.0.0'), 'none'],
    ['mapped wanted, IPv4 held', wish('::ffff:127.0.0.1'), holder('127.0.0.1'), 'certain'],
    ['mapped wanted, other IPv4 held', wish('::ffff:127.0.0.1'), holder('127.0.0.2'), 'none'],
    ['mapped wildcard wanted, IPv4 held', wish('::ffff:0.0.0.0'), holder('127.0.0.2'), 'certain'],
    ['mapped wanted, IPv6 only held', wish('::ffff:127.0.0.1'), holder('::', only6), 'none'],
    ['IPv4 wanted, mapped held', wish('127.0.0.1'), holder('::ffff:127.0.0.1'), 'certain'],
    ['IPv6 only wanted, mapped held', wish('::', { v6only: true }), holder('::ffff:127.0.0.1'), 'none'],
  ])('%s', (_name, wanted, held, conflict) => {
    expect(conflictOf(wanted, held, ME)).toBe(conflict);
  });
});

describe('what else decides', () => {
  const at = '127.0.0.1';
  const bound = { state: 'BOUND' } as const;
  const waits = { state: 'TIME_WAIT', inode: 0, uid: null, freeInMs: 9000 } as const;
  const link = { zone: 'eth0', scope: 2 };
  test.each<[string, BindWish, Holder, Conflict]>([
    ['SO_REUSEADDR against a listener', wish(at), holder(at), 'certain'],
    ['SO_REUSEADDR against a bound socket', wish(at), holder(at, bound), 'possible'],
    ['SO_REUSEADDR against TIME_WAIT', wish(at), holder(at, waits), 'possible'],
    ['SO_REUSEADDR against a connection', wish(at), holder(at, { state: 'ESTABLISHED' }), 'possible'],
    ['nothing set against a bound socket', wish(at, { reuse: 'none' }), holder(at, bound), 'certain'],
    ['nothing set against TIME_WAIT', wish(at, { reuse: 'none' }), holder(at, waits), 'certain'],
    ['SO_REUSEPORT, same user', wish(at, { reuse: 'port' }), holder(at), 'possible'],
    ['SO_REUSEPORT, another user', wish(at, { reuse: 'port' }), holder(at, { uid: 0 }), 'certain'],
    ['SO_REUSEPORT against TIME_WAIT', wish(at, { reuse: 'port' }), holder(at, waits), 'possible'],
    [
      'both against another user’s bound socket',
      wish(at, { reuse: 'both' }),
      holder(at, { ...bound, uid: 0 }),
      'possible',
    ],
    ['both against another user’s listener', wish(at, { reuse: 'both' }), holder(at, { uid: 0 }), 'certain'],
    ['another port', wish(at, { port: 5001 }), holder(at), 'none'],
    ['another transport', wish(at, { transport: 'udp' }), holder(at), 'none'],
    [
      'UDP with SO_REUSEADDR',
      wish(at, { transport: 'udp' }),
      holder(at, { transport: 'udp', state: 'UNCONN' }),
      'possible',
    ],
    [
      'UDP with nothing set',
      wish(at, { transport: 'udp', reuse: 'none' }),
      holder(at, { transport: 'udp', state: 'UNCONN' }),
      'certain',
    ],
    ['a request without a socket', wish(at), holder(at, { state: 'NEW_SYN_RECV', inode: 0 }), 'none'],
    ['on one interface, wanted on all', wish(at), holder(at, { device: 'eth1' }), 'certain'],
    [
      'on the same interface by name',
      wish('fe80::1', link),
      holder('fe80::1', { device: 'eth0' }),
      'certain',
    ],
    ['on the same interface by number', wish('fe80::1', link), holder('fe80::1', { device: '2' }), 'certain'],
    ['on another interface', wish('fe80::1', link), holder('fe80::1', { device: 'eth1' }), 'none'],
    [
      'in another network namespace',
      wish(at),
      holder(at, { namespace: { inode: 1, names: ['x'], container: null, process: null } }),
      'none',
    ],
    ['a rule', wish(at), redirectHolder(RULE, [PORT, PORT]), 'none'],
  ])('%s', (_name, wanted, held, conflict) => {
    expect(conflictOf(wanted, held, ME)).toBe(conflict);
  });
});

const RULE: Redirect = {
  transport: 'tcp',
  family: 'ipv4',
  address: null,
  ports: [PORT, PORT],
  target: { address: '10.0.0.2', port: 80 },
  hooks: ['prerouting'],
  by: 'nftables',
  table: 'nat',
  chain: 'pre',
  maker: null,
  name: null,
  publishes: null,
};

const OK: BindResult = { ok: true, errno: null, step: null, exact: true };

function failed(errno: string): BindResult {
  return { ok: false, errno, step: 'bind', exact: true };
}

describe('does the kernel fit the pictures', () => {
  const wanted = wish('127.0.0.1');
  const there = [holder('127.0.0.1')];
  const other = [holder('127.0.0.1', { inode: 77 })];
  test.each<[string, readonly Holder[], BindResult, readonly Holder[], boolean]>([
    ['free and bound', [], OK, [], true],
    ['held and refused', there, failed('EADDRINUSE'), there, true],
    ['held and bound', there, OK, [], false],
    ['held after the bind', [], OK, there, false],
    ['refused and nobody seen', [], failed('EADDRINUSE'), [], false],
    ['refused, and somebody came', [], failed('EADDRINUSE'), there, false],
    ['refused, and the holder changed', there, failed('EADDRINUSE'), other, false],
    ['refused for another reason', [], failed('EACCES'), [], true],
    ['bound beside one that may allow it', [holder('127.0.0.1', { state: 'BOUND' })], OK, [], true],
  ])('%s', (_name, before, result, after, expected) => {
    expect(fits(wanted, { before, result, after }, ME)).toBe(expected);
  });
});

const HOST: BindHost = {
  addresses: [
    { address: '127.0.0.1', family: 'ipv4', device: 'lo', usable: true, index: null },
    { address: '10.0.0.5', family: 'ipv4', device: 'eth0', usable: true, index: null },
    { address: '::1', family: 'ipv6', device: 'lo', usable: true, index: 1 },
    { address: 'fe80::5', family: 'ipv6', device: 'eth0', usable: true, index: 2 },
    { address: '2001:db8::5', family: 'ipv6', device: 'eth0', usable: false, index: 2 },
  ],
  ipv6: true,
  ipv6Disabled: [],
  uid: ME,
  mayBindLow: false,
  userNamespace: false,
  modules: null,
  confinedBy: null,
  seccomp: false,
};

function input(over: Partial<WhyInput> & { result?: BindResult } = {}): WhyInput {
  const { result = OK, holders = [], ...rest } = over;
  return {
    wish: wish('::'),
    usual: true,
    rounds: [{ before: holders, result, after: holders }],
    holders,
    worked: [],
    host: HOST,
    limits: { ephemeral: [32_768, 60_999], reserved: [], unprivilegedFrom: 1024 },
    platform: 'linux',
    untried: null,
    risks: [],
    gaps: [],
    call: 'portolan',
    ...rest,
  };
}

const lang = translator('en');

describe('causes', () => {
  const inUse = failed('EADDRINUSE');
  const ownedBy = (uid: number): Holder => holder('::', { uid, owners: [makeOwner({ pid: 7 })] });
  test.each<[string, Partial<WhyInput> & { result: BindResult }, CauseKind[]]>([
    ['a listener', { result: inUse, holders: [ownedBy(ME)] }, ['listener']],
    [
      'an IPv4 listener under a dual-stack bind',
      { result: inUse, holders: [holder('0.0.0.0')] },
      ['listener', 'dual-stack'],
    ],
    [
      'all kinds at once, gravest first',
      {
        result: inUse,
        wish: wish('0.0.0.0', { reuse: 'none' }),
        holders: [
          holder('127.0.0.1', { state: 'TIME_WAIT', inode: 0, uid: null, freeInMs: 5000 }),
          holder('127.0.0.1', { state: 'ESTABLISHED', peer: { address: '10.0.0.9', port: 80 } }),
          holder('127.0.0.1', { state: 'BOUND' }),
          holder('127.0.0.2'),
          holder('127.0.0.3', { kernel: true }),
        ],
      },
      ['listener', 'bound', 'kernel', 'connection', 'closing'],
    ],
    ['nobody seen', { result: inUse, gaps: [makeGap()] }, ['unseen']],
    [
      'only a holder that is not in the way',
      { result: inUse, wish: wish('127.0.0.2'), holders: [holder('127.0.0.1')] },
      ['unseen'],
    ],
    ['a low port', { result: failed('EACCES'), wish: wish('::', { port: 80 }) }, ['privileged']],
    [
      'a low port with the capability of a user namespace',
      {
        result: failed('EACCES'),
        wish: wish('::', { port: 80 }),
        host: { ...HOST, mayBindLow: true, userNamespace: true },
      },
      ['privileged'],
    ],
    [
      'a low port with the capability',
      { result: failed('EACCES'), wish: wish('::', { port: 80 }), host: { ...HOST, mayBindLow: true } },
      ['security-module'],
    ],
    ['a high port refused', { result: failed('EACCES') }, ['security-module']],
    ['a bind not permitted', { result: failed('EPERM') }, ['security-module']],
    [
      'an address elsewhere',
      { result: failed('EADDRNOTAVAIL'), wish: wish('10.9.9.9') },
      ['address-not-here'],
    ],
    ['no interface named', { result: failed('EINVAL'), wish: wish('fe80::5') }, ['address-not-here']],
    ['another EINVAL', { result: failed('EINVAL') }, ['other']],
    ['no such family', { result: failed('EAFNOSUPPORT') }, ['family-unsupported']],
    [
      'IPv6 switched off',
      { result: failed('EADDRNOTAVAIL'), wish: wish('::1'), host: { ...HOST, ipv6Disabled: ['all'] } },
      ['family-unsupported'],
    ],
    ['nothing left to choose', { result: inUse, wish: wish('::', { port: 0 }) }, ['exhausted']],
    ['an error nobody knows', { result: failed('ENOBUFS') }, ['other']],
    ['no failure', { result: OK }, []],
  ])('%s', (_name, over, kinds) => {
    const decision = whyOf(input(over));
    expect(decision.causes.map(({ kind }) => kind)).toEqual(kinds);
    expect(decision.bindable).toBe(over.result.ok);
    for (const { text } of decision.causes) expect(lang.say(text)).not.toBe('');
  });

  test('the ways out: whose socket it is decides about sudo, the transport about the command', () => {
    const command = (over: Partial<WhyInput>): string | undefined =>
      whyOf(input({ result: inUse, ...over })).causes[0]?.remedies[0]?.commands[0];
    expect(command({ holders: [ownedBy(ME)] })).toBe('portolan kill 5000/tcp');
    expect(command({ holders: [ownedBy(0)] })).toBe('sudo portolan kill 5000/tcp');
    const udp = holder('::', { transport: 'udp', state: 'UNCONN' });
    expect(command({ wish: wish('::', { transport: 'udp', reuse: 'none' }), holders: [udp] })).toBe(
      // Nobody was seen to have it: that takes more rights.
      'sudo portolan kill 5000/udp',
    );
    const waits = holder('127.0.0.1', {
      state: 'TIME_WAIT',
      inode: 0,
      uid: null,
      freeInMs: 5400,
      peer: { address: '10.0.0.9', port: 80 },
    });
    expect(command({ holders: [waits] })).toBe('sleep 11');
    const drop = whyOf(input({ result: inUse, holders: [waits] })).causes[0]?.remedies[1];
    expect(drop?.commands).toEqual(['sudo ss -K -tan src 127.0.0.1:5000 dst 10.0.0.9:80']);
  });

  test('nobody is ended that only may have the socket, or has the port on another address', () => {
    const commands = (holders: Holder[], over: Partial<WhyInput> = {}): readonly string[] | undefined =>
      whyOf(input({ result: inUse, holders, ...over })).causes[0]?.remedies[0]?.commands;
    const guessed = holder('0.0.0.0', {
      state: 'BOUND',
      owners: [makeOwner({ pid: 7, inferred: true }), makeOwner({ pid: 8, inferred: true })],
    });
    expect(commands([guessed])).toEqual(['sudo portolan kill 5000/tcp']);
    const mine = { uid: ME, owners: [makeOwner({ pid: 9 })] };
    const here = holder('127.0.0.1', mine);
    const beside = holder('127.0.0.2', mine);
    expect(commands([here, beside], { wish: wish('127.0.0.1', { family: 'ipv4' }) })).toEqual([
      'portolan kill 5000/tcp --address 127.0.0.1',
    ]);
    expect(commands([here, beside])).toEqual(['portolan kill 5000/tcp']);
  });

  test('many connections are reset by the states and the address that they have', () => {
    const some = (state: Socket['state'], address: string, port: number): Holder =>
      holder(address, { state, inode: port, peer: { address: '10.0.0.9', port } });
    const reset = (holders: Holder[]): readonly string[] | undefined =>
      whyOf(input({ result: inUse, holders })).causes[0]?.remedies.at(-1)?.commands;
    const one = '127.0.0.1';
    expect(
      reset([some('CLOSE_WAIT', one, 1), some('ESTABLISHED', one, 2), some('FIN_WAIT2', one, 3)]),
    ).toEqual(['sudo ss -K -tn state close-wait state established state fin-wait-2 src 127.0.0.1:5000']);
    expect(
      reset([some('SYN_SENT', one, 1), some('SYN_SENT', '10.0.0.1', 2), some('SYN_SENT', one, 3)]),
    ).toEqual(["sudo ss -K -tn state syn-sent 'sport = :5000'"]);
  });

  test('EPERM is never the kernel’s word for a low port', () => {
    const low = { wish: wish('0.0.0.0', { port: 80 }), host: { ...HOST, mayBindLow: false } };
    const kind = (errno: string): string | undefined =>
      whyOf(input({ ...low, result: failed(errno) })).causes[0]?.kind;
    expect(kind('EACCES')).toBe('privileged');
    expect(kind('EPERM')).toBe('security-module');
  });

  test('IPv6 that is off on one interface alone, and addresses that need one', () => {
    const off = { ...HOST, ipv6Disabled: ['lo'] };
    const first = (over: Parameters<typeof input>[0]) =>
      whyOf(input({ result: failed('EADDRNOTAVAIL'), ...over })).causes[0];
    expect(first({ wish: wish('::1'), host: off })?.remedies[0]?.commands).toEqual([
      'sudo sysctl -w net.ipv6.conf.lo.disable_ipv6=0',
    ]);
    expect(first({ wish: wish('2001:db8::77'), host: off })?.kind).toBe('address-not-here');
    // It is added where it is wanted.
    const zoned = first({ wish: wish('fe80::77', { zone: 'va', scope: 3 }) });
    expect(zoned?.remedies.flatMap(({ commands }) => commands)).toContain(
      'sudo ip addr add fe80::77/128 dev va',
    );
    // No interface is named that lacks it.
    const nowhere = first({ wish: wish('fe80::99'), result: failed('EINVAL') });
    expect(lang.say(nowhere?.remedies[0]?.title ?? { key: 'why.can', values: {} })).toContain(
      'fe80::99%INTERFACE',
    );
    expect(first({ wish: wish('ff02::fb'), result: failed('EINVAL') })?.kind).toBe('address-not-here');
  });

  test('what may refuse is named: label, modules that can, seccomp', () => {
    const host = {
      ...HOST,
      modules: ['capability', 'yama', 'apparmor'],
      confinedBy: 'docker-default',
      seccomp: true,
    };
    const text = lang.say(
      whyOf(input({ result: failed('EACCES'), host })).causes[0]?.text ?? { key: 'why.can', values: {} },
    );
    expect(text).toContain('docker-default');
    expect(text).toContain('(apparmor)');
    expect(text).toContain('seccomp');
    expect(text).not.toContain('yama');
  });

  test('an address that cannot be used yet is not one that is missing', () => {
    const own = whyOf(input({ result: failed('EADDRNOTAVAIL'), wish: wish('2001:db8::5') }));
    expect(own.causes[0]?.text.key).toBe('why.tentative');
    const bare = whyOf(input({ result: failed('EINVAL'), wish: wish('fe80::5') }));
    expect(lang.say(bare.causes[0]?.remedies[0]?.title ?? { key: 'why.can', values: {} })).toContain(
      'fe80::5%eth0',
    );
  });
});

describe('notes', () => {
  const elsewhere = holder('::', { namespace: { inode: 1, names: ['x'], container: null, process: null } });
  test.each<[string, Partial<WhyInput> & { result?: BindResult }, string[]]>([
    ['a rule', { holders: [redirectHolder(RULE, [PORT, PORT])] }, ['redirect']],
    ['another namespace', { holders: [elsewhere] }, ['namespace']],
    ['another address', { wish: wish('127.0.0.1'), holders: [holder('127.0.0.2')] }, ['beside']],
    [
      'passing because both set SO_REUSEADDR',
      { holders: [holder('::1', { state: 'ESTABLISHED' })] },
      ['reuse-needed'],
    ],
    ['shared', { wish: wish('::', { reuse: 'port' }), holders: [holder('::')] }, ['shared']],
    [
      'reserved',
      { limits: { ephemeral: null, reserved: [[4000, 6000]], unprivilegedFrom: 1024 } },
      ['reserved'],
    ],
    ['port 0', { wish: wish('::', { port: 0 }) }, ['any-port']],
    [
      'all that is there where nothing was tried',
      { rounds: [], untried: 'recorded', holders: [holder('::')] },
      ['shared'],
    ],
  ])('%s', (_name, over, kinds) => {
    expect(whyOf(input(over)).notes.map(({ kind }) => kind)).toEqual(kinds);
  });
});

describe('what cannot be said', () => {
  test('nothing tried and somebody surely in the way: a cause, and no note besides', () => {
    const decision = whyOf(input({ rounds: [], holders: [holder('127.0.0.1')], evidence: true }));
    expect(decision.bindable).toBe(false);
    expect(decision.causes[0]?.holders).toHaveLength(1);
    expect(decision.notes).toEqual([]);
  });
  test('nothing tried: no answer, and a gap', () => {
    const decision = whyOf(input({ rounds: [], untried: 'ENOENT' }));
    expect(decision).toMatchObject({ bindable: null, result: null, causes: [] });
    expect(decision.gaps.map(({ code }) => code)).toEqual(['bind-untried']);
  });
  test.each<[string, BindWish['reuse'], BindResult, boolean | null]>([
    ['a weaker bind that worked', 'none', OK, null],
    ['SO_REUSEADDR failing where none was asked', 'none', failed('EADDRINUSE'), false],
    ['SO_REUSEADDR failing where SO_REUSEPORT was asked', 'port', failed('EADDRINUSE'), null],
    ['a reason that options do not touch', 'port', failed('EACCES'), false],
  ])('%s', (_name, reuse, result, bindable) => {
    const decision = whyOf(input({ wish: wish('::', { reuse }), result: { ...result, exact: false } }));
    expect(decision.bindable).toBe(bindable);
    expect(decision.gaps.map(({ code }) => code)).toEqual(['bind-inexact']);
  });
});

describe('changes', () => {
  const one = holder('::');
  const passing = holder('::1', { state: 'ESTABLISHED', peer: { address: '::1', port: 9 } });
  const rounds = (...list: [readonly Holder[], BindResult, readonly Holder[]][]): Partial<WhyInput> => ({
    rounds: list.map(([before, result, after]) => ({ before, result, after })),
    holders: list.at(-1)?.[2] ?? [],
  });
  test('a listener that came', () => {
    const { changed } = whyOf(
      input(rounds([[], failed('EADDRINUSE'), [one]], [[one], failed('EADDRINUSE'), [one]])),
    );
    expect(changed).toEqual({ came: [one], gone: [] });
  });
  test('a listener that went', () => {
    const decision = whyOf(input(rounds([[one], OK, []], [[], OK, []])));
    expect(decision).toMatchObject({ bindable: true, changed: { came: [], gone: [one] } });
  });
  test('connections come and go: no news, unless they explain a contradiction', () => {
    expect(whyOf(input(rounds([[passing], OK, []]))).changed).toBe(null);
    const decision = whyOf(input(rounds([[passing], failed('EADDRINUSE'), []], [[], OK, []])));
    expect(decision.changed?.gone).toEqual([passing]);
  });
  test('one that stays is no change, whatever the bind gave', () => {
    expect(whyOf(input(rounds([[one], OK, [one]], [[one], OK, [one]]))).changed).toBe(null);
  });
  test('who has just gone is still told as the cause', () => {
    const { causes } = whyOf(input(rounds([[one], failed('EADDRINUSE'), []])));
    expect(causes[0]).toMatchObject({ kind: 'listener', holders: [one] });
  });
});

describe('other binds', () => {
  const tried = (wanted: BindWish, errno: string, holders: readonly Holder[] = []): string[] =>
    alternativesTo(wanted, failed(errno), holders, HOST).map(
      ({ id, wish: { address, reuse, v6only } }) =>
        `${id} ${address} ${reuse}${v6only === true ? ' v6only' : ''}`,
    );
  test('of a dual-stack bind', () => {
    expect(tried(wish('::'), 'EADDRINUSE', [holder('::', { uid: 0 })])).toEqual([
      'ipv6-only :: addr v6only',
      'ipv4-only 0.0.0.0 addr',
      'address 127.0.0.1 addr',
      'address ::1 addr',
    ]);
  });
  test('of a bind without options, where the holder is ours', () => {
    expect(tried(wish('127.0.0.1', { reuse: 'none' }), 'EADDRINUSE', [holder('127.0.0.1')])).toEqual([
      'reuse-addr 127.0.0.1 addr',
      'reuse-port 127.0.0.1 port',
      'address 10.0.0.5 none',
    ]);
  });
  test('never with SO_REUSEPORT on another address: it leaves its mark on the port', () => {
    for (const reuse of ['port', 'both'] as const) {
      expect(tried(wish('::', { reuse }), 'EADDRINUSE').join()).not.toMatch(/port|both/);
    }
    expect(tried(wish('::', { v6only: true }), 'EADDRINUSE', [holder('::')]).join()).not.toMatch(/both/);
  });
  test('of an address that is not here; none of a refusal', () => {
    expect(tried(wish('10.9.9.9'), 'EADDRNOTAVAIL')).toEqual([
      'address 127.0.0.1 addr',
      'address 10.0.0.5 addr',
    ]);
    expect(tried(wish('::'), 'EACCES')).toEqual([]);
  });
});

describe('remedies on macOS, where nothing is stopped by us', () => {
  const held = (owners: Holder['owners'], uid = ME): string[][] => {
    const holders = [holder('127.0.0.1', { uid, owners, local: { address: '127.0.0.1', port: 5000 } })];
    const of = input({
      platform: 'darwin',
      wish: wish('127.0.0.1', { port: 5000 }),
      result: failed('EADDRINUSE'),
      holders,
    });
    return whyOf(of).causes.flatMap(({ remedies }) =>
      remedies.map(({ title, commands }) => [title.key, ...commands]),
    );
  };
  test('the processes that surely have it, and root for another user’s', () => {
    const owners = [makeOwner({ pid: 9 }), makeOwner({ pid: 7 }), makeOwner({ pid: 8, inferred: true })];
    expect(held(owners)[0]).toEqual(['why.remedy.stop', 'kill 7 9']);
    expect(held(owners, ME + 1)[0]).toEqual(['why.remedy.stop', 'sudo kill 7 9']);
    expect(held([makeOwner({ inferred: true })]).flat()).not.toContain('why.remedy.stop');
  });
  test('AirPlay comes back when it is stopped: its switch', () => {
    const exe = '/System/Library/CoreServices/ControlCenter.app/Contents/MacOS/ControlCenter';
    expect(held([makeOwner({ name: 'ControlCenter', exe })])[0]).toEqual(['remedy.airplay']);
  });
});
