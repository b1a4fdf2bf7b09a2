// Risks of a port on a host, their chances, and remedies that can be undone.
import { describe, expect, test } from 'vitest';
import {
  makeClaim,
  makeHost,
  makeOwner,
  makeRedirect,
  makeSocket,
  makeUse,
} from '../../../../fixtures/makers.ts';
import type { EphemeralDefault } from '../model/claim.ts';
import type { Holder, HostView, Risk } from '../model/report.ts';
import { translator } from '../text/catalog.ts';
import { formatRanges } from './port-set.ts';
import { type RiskInput, risksOf } from './risks.ts';
import { redirectHolder, toHolder } from './use.ts';

const lang = translator('en');
const input = (port: number, host: Partial<HostView>, over: Partial<RiskInput> = {}): RiskInput => ({
  port,
  transports: ['tcp', 'udp'],
  claims: [],
  host: makeHost(host),
  use: { verdict: 'free', holders: [], gaps: [] },
  ephemeralUse: null,
  defaults: [],
  blockedSource: 'whatwg',
  call: 'portolan',
  ...over,
});
const risk = (id: Risk['id'], of: RiskInput): Risk | undefined =>
  risksOf(of).find((found) => found.id === id);
const overlap = (port: number, host: Partial<HostView> = {}, over: Partial<RiskInput> = {}) =>
  risk('ephemeral-overlap', input(port, { inEphemeral: true, ...host }, over));

describe('ephemeral overlap', () => {
  test('connect() takes the parity of the range’s first number, bind(0) the other', () => {
    // 32768–60999: even numbers are connect()'s, odd ones bind(0)'s.
    expect(overlap(60_162)?.text.key).toBe('risk.ephemeral.connect');
    expect(overlap(60_163)?.text.key).toBe('risk.ephemeral.bind.upper');
    expect(overlap(40_001)?.text.key).toBe('risk.ephemeral.bind');
    expect(overlap(60_163, { ephemeral: [32_769, 60_999] })?.text.key).toBe('risk.ephemeral.connect');
    expect(overlap(60_162, { ephemeral: [32_769, 60_999] })?.text.key).toBe('risk.ephemeral.bind.upper');
  });

  test('the chance is that of its part of the range, and a restart’s follows from the rate', () => {
    const ephemeralUse = makeUse({ bindUpper: { used: 100, waiting: 60 }, connect: { used: 7058 } });
    const found = overlap(60_163, {}, { ephemeralUse });
    expect(found?.chance).toBeCloseTo(100 / 7058, 12);
    // One a second out of 6,958 free ones.
    expect(found?.firstTakenSeconds).toBeCloseTo(6958, 9);
    expect(found?.restartChance).toBeCloseTo(1 - Math.exp(-5 / 6958), 12);
    expect(lang.say(found?.basis ?? { key: 'risk.none', values: {} })).toContain(
      '100 of the 7,058 odd ports',
    );
    expect(overlap(60_162, {}, { ephemeralUse })?.chance).toBeCloseTo(0.5, 12);
  });

  test('UDP draws from the whole range, and the worse of both transports is told', () => {
    const ephemeralUse = makeUse({ bindUpper: { used: 10 } }, { total: 28_232, used: 9000 });
    const found = overlap(60_163, {}, { ephemeralUse });
    expect(found?.chance).toBeCloseTo(9000 / 28_232, 12);
    expect(found?.basis?.key).toBe('forecast.basis.udp');
    const tcpOnly = overlap(60_163, {}, { ephemeralUse, transports: ['tcp'] });
    expect(tcpOnly?.chance).toBeCloseTo(10 / 7058, 12);
    expect(overlap(60_163, {}, { transports: ['udp'] })?.text.key).toBe('risk.ephemeral.udp');
  });

  test('without a count there is no chance, and the basis says why', () => {
    expect(overlap(60_163)).toMatchObject({ chance: null, basis: { key: 'risk.ephemeral.basis.none' } });
  });

  test('is gone once the port is reserved, outside the range, or the range unknown', () => {
    expect(overlap(60_163, { isReserved: true })).toBeUndefined();
    expect(overlap(60_163, { inEphemeral: false })).toBeUndefined();
    expect(overlap(60_163, { inEphemeral: null, ephemeral: null })).toBeUndefined();
  });
});

describe('the reserve remedy', () => {
  const remedies = (host: Partial<HostView>) => overlap(60_163, host)?.remedies ?? [];
  test('is the command that merges, proves and can undo', () => {
    const [, reserve] = remedies({ reserved: [[8080, 8080]] });
    expect(reserve).toMatchObject({
      commands: ['sudo portolan reserve 60163 --apply'],
      undo: ['sudo portolan unreserve 60163 --apply'],
      needsRoot: true,
      persistent: true,
    });
  });
  test('is not offered where the list could not be read, nor on other systems', () => {
    expect(remedies({ reserved: null }).map(({ title }) => title.key)).toEqual(['remedy.move']);
    expect(remedies({ platform: 'darwin' }).map(({ title }) => title.key)).toEqual(['remedy.move']);
  });
  test('ranges are written as the kernel reads them', () => {
    expect(
      formatRanges([
        [1, 1],
        [2, 4],
        [65_535, 65_535],
      ]),
    ).toBe('1,2-4,65535');
    expect(formatRanges([])).toBe('');
  });
});

describe('ephemeral elsewhere', () => {
  const entry = (os: string, first: number, last: number, versions = 'all'): EphemeralDefault => ({
    os,
    versions,
    transports: ['tcp'],
    ranges: [[first, last]],
    source: `source-${os}`,
  });
  test('names other systems that hand the port out, never this one, and not the long gone', () => {
    const found = risk(
      'ephemeral-elsewhere',
      input(
        4000,
        {},
        {
          defaults: [
            entry('Linux', 1, 65_535),
            entry('FreeBSD', 1024, 65_535),
            entry('Windows', 1025, 5000, 'XP, Server 2003'),
            entry('macOS', 49_152, 65_535),
          ],
        },
      ),
    );
    expect(lang.say(found?.text ?? { key: 'risk.none', values: {} })).toBe(
      'FreeBSD hands out 4000 by default to outgoing connections.',
    );
    expect(found).toMatchObject({ severity: 'low', sources: ['source-FreeBSD'] });
  });
  test('is silent where no other does', () => {
    expect(
      risk('ephemeral-elsewhere', input(80, {}, { defaults: [entry('macOS', 49_152, 65_535)] })),
    ).toBeUndefined();
  });
});

describe('browser-blocked', () => {
  test('only where TCP is asked about', () => {
    const blocked = { browserBlocked: true };
    expect(risk('browser-blocked', input(6000, blocked))).toMatchObject({
      severity: 'medium',
      sources: ['whatwg'],
    });
    expect(risk('browser-blocked', input(6000, blocked, { transports: ['udp'] }))).toBeUndefined();
    expect(risk('browser-blocked', input(6000, {}))).toBeUndefined();
  });
});

describe('privileged', () => {
  test.each([
    [1, 1024, true],
    [1023, 1024, true],
    [1024, 1024, false],
    [80, 0, false],
    [0, 1024, false],
    [8000, 10_000, true],
  ])('%i below %i: %s', (port, unprivilegedFrom, expected) => {
    expect(risk('privileged', input(port, { unprivilegedFrom })) !== undefined).toBe(expected);
  });
  test('not known, not said', () => {
    expect(risk('privileged', input(80, { unprivilegedFrom: null }))).toBeUndefined();
  });
});

describe('known port', () => {
  test('names products that ship the number, not ranges and not the registry', () => {
    const found = risk(
      'known-port',
      input(
        5000,
        {},
        {
          claims: [
            makeClaim({ product: 'Flask' }),
            makeClaim({ product: 'Flask', service: 'other' }),
            makeClaim({ product: 'IIS', authority: 'vendor' }),
            makeClaim({ product: 'Wide', ports: [5000, 6000] }),
            makeClaim({ authority: 'registry', service: 'commplex-main' }),
          ],
        },
      ),
    );
    expect(lang.say(found?.text ?? { key: 'risk.none', values: {} })).toMatch(
      /^5000 is the default of Flask/,
    );
  });
  test('several are told as a disagreement and not here', () => {
    const claims = [makeClaim({ product: 'Flask' }), makeClaim({ product: 'Distribution' })];
    expect(risk('known-port', input(5000, {}, { claims }))).toBeUndefined();
  });
  test('nothing known, nothing said', () => {
    expect(risksOf(input(5001, {}))).toEqual([]);
  });
});

describe('in use', () => {
  const held = (kind: Holder['kind']) => {
    const holder = { ...toHolder(makeSocket()), kind };
    return risk('in-use', input(3000, {}, { use: { verdict: 'held', holders: [holder], gaps: [] } }));
  };
  test('is grave where a program holds the port, milder where connections do that a server may bind beside', () => {
    expect(held('listener')).toMatchObject({ severity: 'high', text: { key: 'risk.inuse' } });
    expect(held('bound')).toMatchObject({ severity: 'high', text: { key: 'risk.inuse' } });
    for (const kind of ['connection', 'closing'] as const) {
      expect(held(kind)).toMatchObject({ severity: 'medium', text: { key: 'risk.inuse.passing' } });
    }
  });
  test('a rule alone keeps nobody from binding, and what other namespaces hold counts for nothing', () => {
    const rule = redirectHolder(makeRedirect(), null);
    const passing: Holder = { ...toHolder(makeSocket()), kind: 'closing' };
    const namespace = { inode: 4026532000, names: [], container: null, process: null };
    const elsewhere: Holder = { ...toHolder(makeSocket()), kind: 'listener', namespace };
    const of = (holders: readonly Holder[]): string | undefined =>
      risk('in-use', input(3000, {}, { use: { verdict: 'held', holders, gaps: [] } }))?.text.key;
    expect(of([rule])).toBe('risk.inuse.rule');
    expect(of([rule, elsewhere])).toBe('risk.inuse.rule');
    expect(of([passing, elsewhere, rule])).toBe('risk.inuse.passing');
  });
  test('is not said of a free port nor of one that could not be looked at', () => {
    for (const verdict of ['free', 'unknown'] as const) {
      expect(risk('in-use', input(3000, {}, { use: { verdict, holders: [], gaps: [] } }))).toBeUndefined();
    }
  });
});

describe('macOS', () => {
  const mac = { platform: 'darwin', ephemeral: [49_152, 65_535], reserved: [] } as const;
  const listening = (name: string, exe: string | null): RiskInput['use'] => ({
    verdict: 'held',
    holders: [
      toHolder(makeSocket({ local: { address: '0.0.0.0', port: 5000 }, owners: [makeOwner({ name, exe })] })),
    ],
    gaps: [],
  });
  test('its range is told without what is known of Linux alone, and nothing is offered that it has not', () => {
    const found = overlap(60_163, mac);
    expect(found?.text).toEqual({
      key: 'risk.ephemeral.any',
      values: expect.objectContaining({ first: 49_152, last: 65_535 }),
    });
    expect(found?.sources).toEqual(['xnu-in-pcb', 'rfc6056']);
    expect(found?.remedies.flatMap(({ commands }) => commands)).toEqual([]);
  });
  test.each([5000, 7000])('AirPlay Receiver on %i, with its switch', (port) => {
    const found = risk('airplay-receiver', input(port, mac));
    expect(found?.text.key).toBe('risk.airplay');
    expect(lang.say(found?.remedies[0]?.title ?? { key: 'risk.none', values: {} })).toContain(
      'AirPlay Receiver',
    );
    expect(risk('airplay-receiver', input(port, {}))).toBeUndefined();
    expect(risk('airplay-receiver', input(port, mac, { transports: ['udp'] }))).toBeUndefined();
  });
  test('it is named where it has the port, and not where another has it', () => {
    const exe = '/System/Library/CoreServices/ControlCenter.app/Contents/MacOS/ControlCenter';
    for (const use of [listening('ControlCenter', exe), listening('ControlCe', null)]) {
      expect(risk('airplay-receiver', input(5000, mac, { use }))?.text.key).toBe('risk.airplay.here');
    }
    for (const use of [
      listening('ControlCenter', '/tmp/ControlCenter'),
      listening('Con', null),
      listening('node', null),
    ]) {
      expect(risk('airplay-receiver', input(5000, mac, { use }))).toBeUndefined();
    }
  });
  test('other ports have no such risk', () => {
    expect(risk('airplay-receiver', input(5001, mac))).toBeUndefined();
  });
});
