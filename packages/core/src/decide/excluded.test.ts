// Ranges that Windows keeps back: what holds the port, what a bind comes to, what is offered and shown.
import { describe, expect, test } from 'vitest';
import { makeSnapshot } from '../../../../fixtures/makers.ts';
import type { Exclusion } from '../model/socket.ts';
import type { BindHost, BindWish } from '../model/why.ts';
import { holderJson } from '../render/json/v1.ts';
import { renderTerminal } from '../render/terminal.ts';
import { translator } from '../text/catalog.ts';
import { listPage, whoPage } from '../view/list.ts';
import { heldPorts } from './pick.ts';
import { holdersOf, useOf } from './use.ts';
import { whyOf } from './why.ts';

const BOTH: readonly Exclusion[] = [
  { transport: 'tcp', family: 'ipv4', ports: [50_000, 50_059] },
  { transport: 'tcp', family: 'ipv6', ports: [50_000, 50_059] },
];
const snapshot = makeSnapshot({ platform: 'win32', sockets: [], gaps: [], exclusions: BOTH });
const lang = translator('en');

function cause(
  wish: Partial<BindWish>,
  holders = holdersOf(snapshot, [50_010, 50_010], ['tcp']),
  limits = snapshot.limits,
) {
  const full: BindWish = {
    transport: 'tcp', port: 50_010, family: 'ipv4', address: '0.0.0.0', zone: null, scope: 0, v6only: null, reuse: 'addr', listen: true,
    ...wish,
  }; // biome-ignore format: one wish reads better
  const host: BindHost = {
    addresses: [], ipv6: true, ipv6Disabled: [], uid: null, mayBindLow: true, userNamespace: false, modules: null, confinedBy: null,
    seccomp: false,
  }; // biome-ignore format: one host reads better
  return whyOf({
    wish: full, usual: true, rounds: [], holders, worked: [], host, limits, platform: 'win32', untried: null,
    risks: [], gaps: [], call: 'portolan', evidence: true,
  }); // biome-ignore format: one input reads better
}

test('the ports are held, for that transport alone, and never picked', () => {
  expect(useOf(snapshot, [50_059, 50_059], ['tcp']).verdict).toBe('held');
  expect(useOf(snapshot, [50_060, 50_060], ['tcp']).verdict).toBe('free');
  expect(useOf(snapshot, [50_059, 50_059], ['udp']).verdict).toBe('free');
  expect(heldPorts(snapshot, ['tcp']).size).toBe(60);
  expect(heldPorts(snapshot, ['udp']).size).toBe(0);
});

describe('a bind', () => {
  test('fails with EACCES for its family; a dual-stack one for both', () => {
    expect(cause({})).toMatchObject({ bindable: false, causes: [{ kind: 'excluded' }] });
    expect(cause({}).causes[0]?.holders).toHaveLength(1);
    expect(cause({ family: 'ipv6', address: '::', v6only: false }).causes[0]?.holders).toHaveLength(2);
    expect(cause({ family: 'ipv6', address: '::1', v6only: false }).causes[0]?.holders).toHaveLength(1);
    expect(cause({ transport: 'udp' }).bindable).toBeNull();
    expect(cause({ port: 50_060 }).bindable).toBeNull();
  });
  test('is not said to be allowed on purpose, nor to have the range beside it', () => {
    const limits: typeof snapshot.limits = { ...snapshot.limits, reserved: [[50_000, 50_059]] };
    expect(cause({ family: 'ipv6', address: '::', v6only: false }, undefined, limits).notes).toEqual([]);
    expect(cause({ port: 50_020 }, [], limits).notes).toMatchObject([{ kind: 'reserved' }]);
  });
  test('by a range of which the family was not printed: certain for both, open for one', () => {
    const unnamed = {
      ...snapshot,
      exclusions: [{ transport: 'tcp', family: null, ports: [50_000, 50_059] }] as const,
    };
    const holders = holdersOf(unnamed, [50_010, 50_010], ['tcp']);
    expect(cause({ family: 'ipv6', address: '::', v6only: false }, holders).bindable).toBe(false);
    expect(cause({}, holders).bindable).toBeNull();
    expect(holderJson(holders[0] ?? expect.fail()).local).toEqual({ address: '*', port: 50_010 });
  });
  test('that was tried is explained, with the way out of WinNAT', () => {
    const holders = holdersOf(snapshot, [50_010, 50_010], ['tcp']);
    const tried = { ok: false, errno: 'EACCES', step: 'bind', exact: true } as const;
    const decision = whyOf({
      wish: { ...cause({}).wish }, usual: true, rounds: [{ before: holders, result: tried, after: holders }], holders, worked: [],
      host: { addresses: [], ipv6: true, ipv6Disabled: [], uid: null, mayBindLow: true, userNamespace: false, modules: null, confinedBy: null, seccomp: false },
      limits: snapshot.limits, platform: 'win32', untried: null, risks: [], gaps: [], call: 'portolan',
    }); // biome-ignore format: one input reads better
    expect(decision.causes[0]?.remedies[0]).toMatchObject({
      commands: [
        'net stop winnat',
        'netsh int ipv4 add excludedportrange protocol=tcp startport=50010 numberofports=1 store=persistent',
        'net start winnat',
      ],
      needsRoot: true,
    });
  });
});

test('JSON has the range; pages name the likely owner and no socket', () => {
  const [holder] = holdersOf(snapshot, [50_010, 50_010], ['tcp']);
  if (holder === undefined) throw new Error('no holder');
  expect(holderJson(holder)).toMatchObject({
    kind: 'excluded',
    state: 'EXCLUDED',
    local: { address: '0.0.0.0', port: 50_010 },
    excluded: [50_000, 50_059],
  });
  const how = { lang, unicode: true, width: 80, color: false, fit: true } as const;
  const who = renderTerminal(whoPage(50_010, ['tcp'], useOf(snapshot, [50_010, 50_010], ['tcp'])), how);
  expect(who).toContain('excluded  tcp  0.0.0.0:50000–50059');
  expect(who).toContain('[::]:50000–50059');
  expect(who.replace(/\s+/g, ' ')).toContain('Hyper-V or WinNAT (WSL, Docker Desktop) is the likely owner');
  expect(who).not.toContain('EXCLUDED');
  const list = renderTerminal(
    listPage({
      holders: holdersOf(snapshot, null, ['tcp']),
      gaps: [],
      claimsOf: () => [],
      all: false,
      filtered: false,
      forecasts: [],
      ephemeral: null,
    }),
    { ...how, width: 120 },
  );
  expect(list).toMatch(/50000–50059\/tcp\s+excluded\s+0\.0\.0\.0\s+probably Hyper-V or WinNAT/);
});
