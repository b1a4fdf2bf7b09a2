// The words of a bind, and the rounds of looking and trying, with a probe that is made up.
import { type BindHost, type BindTrial, type BindWish, PortolanError, type Snapshot } from '@portolan/core';
import { expect, test } from 'vitest';
import { makeSnapshot, makeSocket } from '../../../fixtures/makers.ts';
import { type AskedBind, checkAsked, explainBind, type WhyTools } from './why.ts';

const ASKED: AskedBind = { port: 5000, transport: 'tcp' };

test.each<[Partial<AskedBind>, object]>([
  [{}, { address: null, zone: null, family: null, reuse: 'addr' }],
  [{ transport: 'udp' }, { reuse: 'none' }],
  [
    { family: '6', reuse: 'both' },
    { address: null, family: 'ipv6', reuse: 'both' },
  ],
  [
    { address: '127.0.0.1', family: '4' },
    { address: '127.0.0.1', family: 'ipv4' },
  ],
  [{ address: '[::1]' }, { address: '::1' }],
  [{ address: '2001:DB8:0:0::1' }, { address: '2001:db8::1' }],
  [{ address: '::ffff:127.0.0.1' }, { address: '::ffff:127.0.0.1' }],
  [{ address: '::FFFF:7f00:1' }, { address: '::ffff:127.0.0.1' }],
  [{ address: 'fe80::1%eth0' }, { address: 'fe80::1', zone: 'eth0' }],
  [{ address: '[fe80::1%2]' }, { address: 'fe80::1', zone: '2' }],
])('%j is understood', (over, expected) => {
  expect(checkAsked({ ...ASKED, ...over })).toMatchObject(expected);
});

test.each<[Partial<AskedBind>, RegExp]>([
  [{ family: '5' }, /--family takes 4 or 6/],
  [{ reuse: 'yes' }, /--reuse takes/],
  [{ address: '' }, /not an IP address/],
  [{ address: 'localhost' }, /not an IP address/],
  [{ address: '127.0.0.1:80' }, /not an IP address/],
  [{ address: '127.1' }, /not an IP address/],
  [{ address: '010.0.0.1' }, /not an IP address/],
  [{ address: '[127.0.0.1]' }, /not an IP address/],
  [{ address: '[::1' }, /not an IP address/],
  [{ address: 'fe80::1%' }, /not an IP address/],
  [{ address: 'fe80::1%a%b' }, /not an IP address/],
  [{ address: '::1%lo' }, /zone that cannot be/],
  [{ address: 'fe80::1%../../x' }, /not an IP address|zone that cannot be/],
  [{ address: '127.0.0.1', family: '6' }, /contradict/],
  [{ address: '::1', family: '4' }, /contradict/],
  [{ address: '::ffff:1.2.3.4', family: '4' }, /contradict/],
])('%j is refused', (over, message) => {
  const act = (): unknown => checkAsked({ ...ASKED, ...over });
  expect(act).toThrow(PortolanError);
  expect(act).toThrow(message);
});

const HOST: BindHost = {
  addresses: [{ address: 'fe80::5', family: 'ipv6', device: 'eth0', usable: true, index: 3 }],
  ipv6: true,
  ipv6Disabled: [],
  uid: 1000,
  mayBindLow: false,
  userNamespace: false,
  modules: null,
  confinedBy: null,
  seccomp: false,
};

const HELD: Snapshot = makeSnapshot({ sockets: [makeSocket()] });
const FREE: Snapshot = makeSnapshot();

function result(errno: string | null): BindTrial {
  return {
    kind: 'tried',
    result: { ok: errno === null, errno, step: errno === null ? null : 'bind', exact: true },
  };
}

/** Tools that show these pictures in turn and give these results; the last of each stays. */
function tools(
  pictures: Snapshot[],
  results: BindTrial[],
  host: BindHost = HOST,
): WhyTools & { looks: number; wishes: BindWish[] } {
  const next = <T>(list: T[]): T => {
    const [first] = list.length > 1 ? list.splice(0, 1) : list;
    if (first === undefined) throw new Error('nothing is left to give');
    return first;
  };
  const self = {
    looks: 0,
    wishes: [] as BindWish[],
    look: () => {
      self.looks++;
      return Promise.resolve(next(pictures));
    },
    attempt: (wish: BindWish) => {
      self.wishes.push(wish);
      return Promise.resolve(next(results));
    },
    host: () => Promise.resolve(host),
    risks: () => Promise.resolve([]),
    call: () => 'portolan',
  };
  return self;
}

test('a picture that holds still is looked at twice, and the bind tried once', async () => {
  const fake = tools([FREE], [result(null)]);
  const decision = await explainBind(ASKED, fake);
  expect(decision).toMatchObject({ bindable: true, changed: null, usual: true });
  expect(fake.looks).toBe(2);
  expect(fake.wishes).toEqual([
    {
      transport: 'tcp',
      port: 5000,
      family: 'ipv6',
      address: '::',
      zone: null,
      scope: 0,
      v6only: false,
      reuse: 'addr',
      listen: true,
    },
  ]);
});

test('a listener that comes or goes in between is looked for again, and told', async () => {
  const came = await explainBind(ASKED, tools([FREE, HELD], [result('EADDRINUSE')]));
  expect(came).toMatchObject({ bindable: false, changed: { gone: [] } });
  expect(came.changed?.came).toHaveLength(1);
  const went = await explainBind(ASKED, tools([HELD, FREE], [result(null)]));
  expect(went).toMatchObject({ bindable: true, changed: { came: [] } });
  expect(went.changed?.gone).toHaveLength(1);
});

test('a picture that never holds still ends after three rounds', async () => {
  const fake = tools([HELD, FREE, HELD, FREE, HELD], [result(null)]);
  await explainBind(ASKED, fake);
  expect(fake.wishes).toHaveLength(3);
  expect(fake.looks).toBe(4);
});

test('without IPv6 the usual bind is one of IPv4, an asked one is not changed', async () => {
  const none = tools([FREE], [result('EAFNOSUPPORT'), result(null)]);
  expect(await explainBind(ASKED, none)).toMatchObject({
    bindable: true,
    wish: { address: '0.0.0.0', v6only: null },
  });
  const asked = tools([FREE], [result('EAFNOSUPPORT')]);
  expect(await explainBind({ ...ASKED, family: '6' }, asked)).toMatchObject({
    bindable: false,
    wish: { address: '::', v6only: true },
  });
  const known = tools([FREE], [result(null)], { ...HOST, ipv6: false });
  expect((await explainBind(ASKED, known)).wish.address).toBe('0.0.0.0');
});

test('a zone becomes the number of its interface, and one that no interface has where there is none', async () => {
  const scopeOf = async (address: string): Promise<number> => {
    const fake = tools([FREE], [result(null)]);
    await explainBind({ ...ASKED, address }, fake);
    return fake.wishes[0]?.scope ?? -1;
  };
  expect(await scopeOf('fe80::1%eth0')).toBe(3);
  expect(await scopeOf('fe80::1%7')).toBe(7);
  expect(await scopeOf('fe80::1%nope')).toBe(0x7fff_ffff);
  expect(await scopeOf('fe80::1')).toBe(0);
});

test('SO_REUSEPORT never listens; what could not be tried is no answer', async () => {
  const fake = tools([FREE], [{ kind: 'untried', reason: 'ENOENT' }]);
  const decision = await explainBind({ ...ASKED, reuse: 'both' }, fake);
  expect(fake.wishes[0]).toMatchObject({ reuse: 'both', listen: false });
  expect(decision).toMatchObject({ bindable: null, causes: [] });
  const recorded = await explainBind(ASKED, { ...tools([HELD], [result(null)]), attempt: null });
  expect(recorded.bindable).toBe(null);
  expect(recorded.notes.map(({ kind }) => kind)).toEqual(['shared']);
  expect(recorded.gaps).toEqual([]);
});

test('only what worked is offered', async () => {
  const fake = tools([HELD], [result('EADDRINUSE'), result(null), result('EADDRINUSE')]);
  const { causes } = await explainBind({ ...ASKED, family: '4' }, fake);
  expect(JSON.stringify(causes)).not.toContain('remedy.address');
  const dual = tools([HELD], [result('EADDRINUSE'), result('EADDRINUSE'), result(null)]);
  const offered = JSON.stringify((await explainBind(ASKED, dual)).causes);
  expect(dual.wishes.length).toBeGreaterThan(2);
  expect(offered.includes('remedy.ipv6-only') || offered.includes('remedy.reuse-port')).toBe(true);
});
