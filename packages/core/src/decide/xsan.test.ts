// Xsan: nothing of it, without fsports, and every way in which a window or the Alternate Portmapper collides.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Claim, EphemeralDefault } from '../model/claim.ts';
import { say } from '../model/message.ts';
import type { PortRange } from '../model/port.ts';
import type { Holder } from '../model/report.ts';
import type { HostLimits } from '../model/socket.ts';
import type { XsanFound } from '../model/xsan.ts';
import { translator } from '../text/catalog.ts';
import { xsanOf } from './xsan.ts';

const place = { file: 'fsports', line: 2, column: 9, endColumn: 14 };

function found(min: number | null, max: number | null = null, alt: number | null = null): XsanFound {
  const value = (number: number | null) => (number === null ? null : { value: number, place });
  return {
    folder: '/Library/Preferences/Xsan',
    looked: ['/Library/Preferences/Xsan/fsports'],
    fsports:
      min === null
        ? null
        : { min: value(min), max: value(max), altPmap: value(alt), faults: [], file: 'fsports', text: '' },
    nameservers: null,
    nameserversFile: null,
    processes: [],
  };
}

const DEFAULTS: readonly EphemeralDefault[] = [
  { os: 'Linux', versions: 'x', transports: ['tcp'], ranges: [[32_768, 60_999]], source: 'l' },
  { os: 'macOS', versions: 'x', transports: ['tcp'], ranges: [[49_152, 65_535]], source: 'm' },
];

const claim = (first: number, last = first, product = 'Homebridge'): Claim => ({
  id: `${product}-${first}`,
  ports: [first, last],
  transports: ['tcp'],
  service: 'x',
  product,
  vendor: null,
  authority: 'default',
  note: null,
  source: 's',
  confidence: 'verified',
});

function holder(port: number, name: string): Holder {
  const owner = {
    pid: 9,
    startedAt: null,
    name,
    exe: null,
    argv: null,
    cwd: null,
    user: null,
    unit: null,
    container: null,
    launchedBy: [],
    inferred: false,
  };
  return {
    kind: 'listener', transport: 'tcp', local: { address: '0.0.0.0', port }, peer: null, state: 'LISTEN', freeInMs: null,
    namespace: null, uid: 0, user: null, ipv6Only: null, owners: [owner], device: null, mptcp: false, group: 1,
    activation: null, publishes: null, redirect: null, inode: 1, ownerHidden: false,
  }; // biome-ignore format: a socket in a few lines
}

function judge(
  what: XsanFound,
  {
    limits = {},
    platform = 'linux',
    holders = [],
    claims = [],
  }: { limits?: Partial<HostLimits>; platform?: string; holders?: Holder[]; claims?: Claim[] } = {},
) {
  return xsanOf({
    found: what,
    limits: { ephemeral: [32_768, 60_999], reserved: [], unprivilegedFrom: 1024, ...limits },
    platform,
    holders,
    allSeen: true,
    defaults: DEFAULTS,
    allClaims: claims,
    claims: (port) => claims.filter(({ ports: [first, last] }) => first <= port && port <= last),
    risks: (port) => [
      {
        id: 'ephemeral-overlap',
        severity: 'high',
        chance: port / 100_000,
        basis: say('risk.ephemeral.basis.none'),
        text: say('risk.browser', { port }),
        remedies: [],
        sources: ['r'],
      },
    ],
    target: '/Library/Preferences/Xsan/fsports',
  });
}

const ids = (...given: Parameters<typeof judge>): string[] => judge(...given).findings.map(({ id }) => id);

test('nothing of it: no finding, and why Apple lists 16,384 ports', () => {
  const { decision, findings } = judge(found(null));
  expect({ present: decision.present, findings }).toEqual({ present: false, findings: [] });
  const text = decision.notes.map((note) => translator('en').say(note)).join(' ');
  expect(text).toMatch(/picks its ports.*16,384/);
  expect(text).toMatch(/macOS cannot reserve ports/);
});

test.each([
  { ...found(null), nameservers: ['10.0.0.1'], nameserversFile: 'fsnameservers' },
  { ...found(null), processes: [{ pid: 4, startedAt: null, name: 'fsmpm' }] },
])('here without fsports: %#', (what) => {
  const { decision, findings } = judge(what);
  expect(decision.present).toBe(true);
  expect(findings).toMatchObject([{ id: 'xsan-no-fsports', severity: 'medium' }]);
  expect(findings[0]?.remedies[0]).toMatchObject({
    commands: [
      expect.stringMatching(
        /^printf 'MinPort \d+\\nMaxPort \d+\\n' \| sudo tee \/Library\/Preferences\/Xsan\/fsports$/,
      ),
    ],
    undo: ['sudo rm /Library/Preferences/Xsan/fsports'],
  });
});

test('a socket of fsm alone shows that it is here', () => {
  expect(ids(found(null), { holders: [holder(49_200, 'fsm')] })).toEqual(['xsan-no-fsports']);
});

describe('the window', () => {
  test('in this host’s range: chance, move and reserve', () => {
    const { findings, decision } = judge(found(40_000, 40_100));
    expect(decision.window).toEqual([40_000, 40_100]);
    expect(findings.map(({ id }) => id)).toEqual(['xsan-window-ephemeral']);
    expect(findings[0]).toMatchObject({ severity: 'high', ports: [40_000, 40_100], chance: 0.400_01, place });
    const commands = findings[0]?.remedies.map((remedy) => remedy.commands.at(-1));
    const [first, last] = decision.proposal?.window ?? [];
    expect(commands?.slice(1)).toEqual([
      `portolan reserve ${first}-${last} --apply`,
      'portolan reserve 40000-40100 --apply',
    ]);
    expect(findings[0]?.remedies.at(-1)?.undo).toEqual(['portolan unreserve 40000-40100 --apply']);
  });
  test('on a Mac nothing can be reserved', () => {
    const { findings } = judge(found(50_000, 50_100), {
      platform: 'darwin',
      limits: { ephemeral: [49_152, 65_535] },
    });
    expect(findings[0]?.remedies.flatMap(({ commands }) => commands).join()).not.toMatch(/reserve/);
  });
  test('reserved as a whole it is open nowhere here', () => {
    expect(ids(found(40_000, 40_100), { limits: { reserved: [[39_000, 41_000]] } })).toEqual([]);
  });
  test('reserved in part, the rest is named', () => {
    const { findings } = judge(found(40_000, 40_100), { limits: { reserved: [[40_000, 40_049]] } });
    expect(findings[0]).toMatchObject({ id: 'xsan-window-ephemeral', ports: [40_050, 40_100] });
  });
  test('in another system’s range', () => {
    expect(ids(found(62_000, 62_100))).toEqual(['xsan-window-elsewhere']);
    expect(ids(found(9000, 9100))).toEqual([]);
  });
  test('on others’ ports, and not on its own', () => {
    expect(ids(found(9000, 9100), { holders: [holder(9001, 'nginx'), holder(9002, 'fsm')] })).toEqual([
      'xsan-window-held',
    ]);
    expect(ids(found(9000, 9100), { holders: [holder(9002, 'fsm')] })).toEqual([]);
  });
  test('on numbers of products, whole ranges apart', () => {
    expect(ids(found(9000, 9100), { claims: [claim(9050), claim(5900, 65_535, 'QEMU')] })).toEqual([
      'xsan-window-claimed',
    ]);
  });
  test('unread limits: said, and nothing claimed', () => {
    const { findings, decision } = judge(found(40_000, 40_100), {
      limits: { ephemeral: null, reserved: null },
    });
    expect(findings.map(({ id }) => id)).toEqual(['xsan-window-elsewhere']);
    expect(decision.notes.map(({ key }) => key)).toContain('xsan.note.unchecked');
  });
  test('backwards: a finding, no window, and still a way out', () => {
    const what = found(9100, 9000);
    const fault = { kind: 'backwards', word: 'MinPort', value: '9100 > 9000', place } as const;
    const { findings, decision } = judge({
      ...what,
      fsports: what.fsports === null ? null : { ...what.fsports, faults: [fault] },
    });
    expect(decision.window).toBeNull();
    expect(findings).toMatchObject([{ id: 'xsan-fsports-broken', severity: 'high', place }]);
    expect(findings[0]?.remedies[0]?.undo).toEqual([
      'sudo mv /Library/Preferences/Xsan/fsports.before /Library/Preferences/Xsan/fsports',
    ]);
  });
});

describe('AltPmap', () => {
  test('in the range, in the window, held, claimed', () => {
    expect(ids(found(9000, 9100, 40_000))).toEqual(['xsan-altpmap-ephemeral']);
    expect(ids(found(9000, 9100, 9050))).toEqual(['xsan-altpmap-in-window']);
    expect(ids(found(9000, 9100, 8000), { holders: [holder(8000, 'nginx')] })).toEqual(['xsan-altpmap-held']);
    expect(ids(found(9000, 9100, 8000), { claims: [claim(8000)] })).toEqual(['xsan-altpmap-claimed']);
  });
  test('stays in the proposed lines and out of the proposed window', () => {
    const { proposal } = judge(found(40_000, 40_100, 5164)).decision;
    expect(proposal?.lines.at(-1)).toBe('AltPmap 5164');
  });
});

test('the proposal never meets range, reservations, holders, claims or AltPmap', () => {
  const run = fc
    .tuple(fc.integer({ min: 1024, max: 65_000 }), fc.integer({ min: 0, max: 150 }))
    .map(([first, more]): PortRange => [first, first + more]);
  fc.assert(
    fc.property(
      fc
        .tuple(fc.integer({ min: 1024, max: 40_000 }), fc.integer({ min: 0, max: 25_000 }))
        .map(([first, more]): PortRange => [first, first + more]),
      fc.array(run, { maxLength: 20 }),
      fc.array(fc.integer({ min: 1024, max: 65_535 }), { maxLength: 40 }),
      fc.array(run, { maxLength: 60 }),
      fc.option(fc.integer({ min: 1024, max: 65_535 })),
      (ephemeral, reserved, held, claimed, alt) => {
        const { decision } = judge(found(40_000, 40_100, alt), {
          limits: { ephemeral, reserved },
          holders: held.map((port) => holder(port, 'app')),
          claims: claimed.map(([first, last], index) => claim(first, last, `p${index}`)),
        });
        const window = decision.proposal?.window;
        if (window === undefined) return;
        const meets = ([first, last]: PortRange): boolean => first <= window[1] && window[0] <= last;
        expect([ephemeral, ...reserved, ...claimed].some(meets)).toBe(false);
        expect(held.some((port) => meets([port, port]))).toBe(false);
        if (alt !== null) expect(meets([alt, alt])).toBe(false);
      },
    ),
    { numRuns: 60 },
  );
});
