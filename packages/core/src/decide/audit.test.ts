// The rules of an audit: when each speaks and when it keeps silent; pairs, listeners, baselines.
import { describe, expect, test } from 'vitest';
import type { FindingId, FixedPort } from '../model/audit.ts';
import { FINDING_IDS } from '../model/audit.ts';
import type { Claim, EphemeralDefault } from '../model/claim.ts';
import { say } from '../model/message.ts';
import type { Holder, Risk } from '../model/report.ts';
import { auditSarif } from '../render/sarif.ts';
import { renderTerminal } from '../render/terminal.ts';
import { LANGUAGES, loadTranslator, translator } from '../text/catalog.ts';
import { auditPage } from '../view/audit.ts';
import { type AuditInput, auditOf } from './audit.ts';

const os = (name: string, first: number, last: number): EphemeralDefault => ({
  os: name,
  versions: 'current',
  transports: ['tcp', 'udp'],
  ranges: [[first, last]],
  source: `src-${name}`,
});

const claim = (port: number, product: string, more: Partial<Claim> = {}): Claim => ({
  id: `${product}-${port}`,
  ports: [port, port],
  transports: ['tcp'],
  service: 'server',
  product,
  vendor: null,
  authority: 'default',
  note: null,
  source: 'manual',
  confidence: 'verified',
  ...more,
});

const CLAIMS = [
  claim(5432, 'PostgreSQL'),
  claim(5432, 'postgresql', {
    authority: 'registry',
    product: null,
    service: 'postgresql',
    status: 'assigned',
  }),
  claim(6000, 'X.Org', { service: 'X11 display' }),
  claim(51_820, 'WireGuard', { transports: ['udp'] }),
  claim(54_321, 'Supabase'),
  claim(54_321, 'oVirt'),
  ...['a', 'b', 'c', 'd'].map((name) => claim(8080, `Product${name}`)),
];

/** A risk as reports give it, with a chance that tells which port was asked. */
function riskOf(port: number): Risk[] {
  if (port < 32_768 || port > 60_999) return [];
  return [
    {
      id: 'ephemeral-overlap',
      severity: 'high',
      chance: (port & 1) === 1 ? 0.5 : 0.25,
      basis: say('risk.ephemeral.basis.none'),
      text: say('risk.ephemeral.udp', { port, first: 32_768, last: 60_999 }),
      remedies: [{ title: say('remedy.move'), commands: [], needsRoot: false, persistent: true, undo: [] }],
      sources: ['linux-ip-sysctl'],
    },
  ];
}

function fixed(port: number | readonly [number, number], more: Partial<FixedPort> = {}): FixedPort {
  const line = typeof port === 'number' ? port : port[0];
  return {
    origin: 'compose',
    ports: typeof port === 'number' ? [port, port] : port,
    transport: 'tcp',
    address: null,
    service: 'web',
    about: [],
    role: 'binds',
    place: { file: 'compose.yaml', line, column: 5, endColumn: 9 },
    project: '/p',
    variable: null,
    chosen: true,
    mayBindLow: null,
    enabled: null,
    sexagesimal: null,
    handedOut: false,
    holders: [],
    profile: null,
    ...more,
  };
}

function holder(port: number, more: Partial<Holder> = {}, owner = 'app', unit: string | null = null): Holder {
  return {
    kind: 'listener',
    transport: 'tcp',
    local: { address: '0.0.0.0', port },
    peer: null,
    state: 'LISTEN',
    freeInMs: null,
    namespace: null,
    uid: 0,
    user: 'root',
    ipv6Only: null,
    owners: [
      {
        pid: 77,
        startedAt: null,
        name: owner,
        exe: null,
        argv: null,
        cwd: null,
        user: 'root',
        unit,
        container: null,
        launchedBy: [],
        inferred: false,
      },
    ],
    device: null,
    mptcp: false,
    group: 1,
    activation: null,
    publishes: null,
    redirect: null,
    inode: 1,
    ownerHidden: false,
    ...more,
  };
}

function audit(ports: readonly FixedPort[], more: Partial<AuditInput> = {}) {
  return auditOf({
    fixed: ports,
    nodePorts: [],
    snapshot: {
      platform: 'linux',
      limits: { ephemeral: [32_768, 60_999], reserved: [[50_000, 50_010]], unprivilegedFrom: 1024 },
    },
    holders: [],
    scope: { files: [], units: null, listeners: false, profiles: [] },
    defaults: [os('Linux', 32_768, 60_999), os('macOS', 49_152, 65_535), os('FreeBSD', 10_000, 65_535)],
    blocked: {
      source: 'fetch',
      ports: [
        { port: 6000, service: 'x11' },
        { port: 6667, service: 'irc' },
      ],
    },
    claims: (port) => CLAIMS.filter(({ ports: [first, last] }) => first <= port && port <= last),
    risks: riskOf,
    source: (id) => ({ title: id, url: 'https://example.org', date: null }),
    gaps: [],
    baseline: null,
    xsan: null,
    ...more,
  });
}

function ids(ports: readonly FixedPort[], more: Partial<AuditInput> = {}): FindingId[] {
  return audit(ports, more).findings.map(({ id }) => id);
}

describe('ranges', () => {
  test('a port in this host’s range, with chance and basis of its own report', () => {
    const { findings } = audit([fixed(40_001)]);
    expect(findings).toMatchObject([
      { id: 'ephemeral-overlap', severity: 'high', port: 40_001, chance: 0.5 },
    ]);
  });
  test('a run of ports: the worst chance, and the open part is what is to be reserved', () => {
    const { findings } = audit([fixed([49_990, 50_020])]);
    const overlap = findings.find(({ id }) => id === 'ephemeral-overlap');
    expect(overlap).toMatchObject({ chance: 0.5, ports: [49_990, 50_020] });
    expect(overlap?.remedies.at(-1)).toMatchObject({
      commands: ['portolan reserve 49990-49999 --apply'],
      undo: ['portolan unreserve 49990-49999 --apply'],
      needsRoot: true,
      persistent: true,
    });
  });
  test('a reserved port is open elsewhere alone', () => {
    expect(ids([fixed(50_005)])).toEqual(['dynamic-port-as-service', 'ephemeral-elsewhere']);
  });
  test('files are judged by the systems they are run on, listeners by this one', () => {
    expect(ids([fixed(12_000)])).toEqual([]);
    expect(ids([fixed(12_000, { origin: 'env' })])).toEqual(['ephemeral-elsewhere']);
    expect(ids([fixed(62_000)])).toEqual(['dynamic-port-as-service', 'ephemeral-elsewhere']);
    expect(ids([fixed(62_000, { origin: 'systemd-service' })])).toEqual(['dynamic-port-as-service']);
  });
  test('where the range is not known nothing is said of it', () => {
    const limits = { ephemeral: null, reserved: null, unprivilegedFrom: null };
    expect(ids([fixed(40_001)], { snapshot: { platform: 'linux', limits } })).toEqual([
      'ephemeral-elsewhere',
    ]);
  });
  test('no port below the Dynamic Ports is one', () => {
    expect(ids([fixed(49_151, { origin: 'systemd-socket' })])).toEqual(['ephemeral-overlap']);
    expect(ids([fixed(49_152, { origin: 'systemd-socket' })])).toContain('dynamic-port-as-service');
  });
});

describe('claims', () => {
  test('another product’s number, chosen here', () => {
    const { findings } = audit([fixed(5432)]);
    expect(findings).toMatchObject([
      { id: 'claimed-by-other', claims: [{ service: 'postgresql' }, { product: 'PostgreSQL' }] },
    ]);
  });
  test.each([
    ['the same thing by name', fixed(5432, { service: 'postgres' })],
    ['the same thing by image', fixed(5432, { service: 'db', about: ['postgres:16'] })],
    ['a number of the image’s own', fixed(5432, { chosen: false })],
    ['a number that is only named', fixed(5432, { role: 'names', origin: 'systemd-service' })],
    ['common ground', fixed(8080)],
    [
      'a runtime that listens',
      fixed(5432, { origin: 'listener', service: 'node', place: null, mayBindLow: true }),
    ],
  ])('silent about %s', (_what, port) => {
    expect(ids([port])).toEqual([]);
  });
  test('every narrow claim stands with a finding', () => {
    const finding = audit([fixed(54_321)]).findings.find(({ id }) => id === 'ephemeral-overlap');
    expect(finding?.claims.map(({ product }) => product)).toEqual(['Supabase', 'oVirt']);
  });
});

describe('browsers', () => {
  test('a blocked port of a web server', () => {
    expect(ids([fixed(6667)])).toEqual(['browser-blocked']);
  });
  test.each([
    fixed(6667, { service: 'irc' }),
    fixed(6000, { service: 'x11' }),
    fixed(6667, { transport: 'udp' }),
    fixed(6000, { origin: 'listener', service: 'node', place: null }),
  ])('silent about what is no web server: %#', (port) => {
    expect(ids([port])).toEqual([]);
  });
});

describe('low ports', () => {
  test('without the privilege', () => {
    const { findings } = audit([
      fixed(80, { origin: 'systemd-service', service: 'web.service', mayBindLow: false }),
    ]);
    expect(findings).toMatchObject([{ id: 'privileged-without-capability', severity: 'high' }]);
  });
  test('a socket of its own is what binds it', () => {
    const service = fixed(80, { origin: 'systemd-service', service: 'web.service', mayBindLow: false });
    const socket = fixed(80, {
      origin: 'systemd-socket',
      service: 'web.socket',
      mayBindLow: true,
      place: { file: 'web.socket', line: 2, column: 1, endColumn: 3 },
    });
    expect(ids([service, socket])).toEqual([]);
  });
  test('by the host’s own setting', () => {
    const limits = { ephemeral: null, reserved: null, unprivilegedFrom: 80 };
    expect(ids([fixed(80, { mayBindLow: false })], { snapshot: { platform: 'linux', limits } })).toEqual([]);
  });
});

describe('two services on one number', () => {
  const at = (line: number, more: Partial<FixedPort> = {}): FixedPort =>
    fixed(7000, { place: { file: more.origin ?? 'f', line, column: 1, endColumn: 5 }, ...more });
  test.each<[string, FixedPort, FixedPort]>([
    ['of one compose file', at(1, { service: 'a' }), at(2, { service: 'b' })],
    ['of two projects', at(1), at(2, { project: '/q' })],
    [
      'units',
      at(1, { origin: 'systemd-socket', service: 'a.socket' }),
      at(2, { origin: 'systemd-service', service: 'b.service' }),
    ],
    [
      'processes of a Procfile',
      at(1, { origin: 'procfile', service: 'web' }),
      at(2, { origin: 'procfile', service: 'api' }),
    ],
    [
      'a unit and a container',
      at(1, { origin: 'systemd-socket', service: 'a.socket', project: null }),
      at(2),
    ],
    ['one address and any', at(1, { service: 'a', address: '127.0.0.1' }), at(2, { service: 'b' })],
    [
      'runs that overlap',
      at(1, { service: 'a', ports: [6990, 7005] }),
      at(2, { service: 'b', ports: [7005, 7010] }),
    ],
    [
      'a profile and something else',
      at(1, { profile: 'wireguard', origin: 'profile', service: 'WireGuard: VPN tunnel', project: null }),
      at(2, { service: 'shop' }),
    ],
  ])('%s', (_what, a, b) => {
    const { findings } = audit([a, b]);
    expect(findings).toMatchObject([{ id: 'same-port-twice', severity: 'high' }]);
    if (a.place !== null) expect(findings[0]?.others).toEqual([a.place]);
  });
  test.each<[string, FixedPort, FixedPort]>([
    ['one service, extended or overridden', at(1), at(2)],
    [
      'two addresses',
      at(1, { service: 'a', address: '127.0.0.1' }),
      at(2, { service: 'b', address: '127.0.0.2' }),
    ],
    ['two transports', at(1, { service: 'a' }), at(2, { service: 'b', transport: 'udp' })],
    [
      'a variable and a script of one project',
      at(1, { origin: 'env', service: 'PORT' }),
      at(2, { origin: 'package-json', service: 'dev' }),
    ],
    [
      'two scripts',
      at(1, { origin: 'package-json', service: 'dev' }),
      at(2, { origin: 'package-json', service: 'start' }),
    ],
    [
      'a socket and its service',
      at(1, { origin: 'systemd-socket', service: 'a.socket' }),
      at(2, { origin: 'systemd-service', service: 'a.service' }),
    ],
    [
      'a unit that nothing starts',
      at(1, { origin: 'systemd-socket', service: 'a.socket', enabled: false }),
      at(2, { origin: 'systemd-service', service: 'b.service' }),
    ],
    ['what is only named', at(1, { service: 'a' }), at(2, { service: 'b', role: 'names' })],
    ['the same place, reached twice', at(1, { service: 'a' }), at(1, { service: 'b' })],
    [
      'a profile and its own product',
      at(1, {
        profile: 'wireguard',
        origin: 'profile',
        service: 'WireGuard: VPN tunnel',
        about: ['wireguard'],
        project: null,
      }),
      at(2, { service: 'vpn', about: ['linuxserver/wireguard'] }),
    ],
  ])('silent about %s', (_what, a, b) => {
    expect(ids([a, b])).toEqual([]);
  });
  test('a stranger that listens keeps a container from starting', () => {
    const { findings } = audit([fixed(7000)], { holders: [holder(7000)] });
    expect(findings).toMatchObject([{ id: 'same-port-twice', holders: [{ local: { port: 7000 } }] }]);
    expect(ids([fixed(7000)], { holders: [holder(7000, {}, 'docker-proxy')] })).toEqual([]);
    expect(
      ids([fixed(7000, { address: '127.0.0.1' })], {
        holders: [holder(7000, { local: { address: '127.0.0.2', port: 7000 } })],
      }),
    ).toEqual([]);
  });
  test('a unit’s own process is none', () => {
    const socket = fixed(7000, { origin: 'systemd-service', service: 'a.service', project: null });
    expect(ids([socket], { holders: [holder(7000, {}, 'app', 'a.service')] })).toEqual([]);
    expect(ids([socket], { holders: [holder(7000, {}, 'app', 'b.service')] })).toEqual(['same-port-twice']);
  });
});

describe('Kubernetes', () => {
  const service = (port: number): FixedPort => fixed(port, { origin: 'kubernetes', about: ['NodePort'] });
  test('a program of the host in the range, and a Service outside it', () => {
    expect(ids([service(30_080), fixed(30_500)])).toEqual(['nodeport-overlap']);
    expect(ids([service(31_000), service(29_000)])).toEqual(['nodeport-overlap']);
    expect(ids([fixed(30_500)])).toEqual([]);
  });
  test('a range that the host hands out', () => {
    const place = { file: 'kube-apiserver.yaml', line: 9, column: 9, endColumn: 20 };
    const { findings } = audit([], { nodePorts: [{ ports: [30_000, 40_000], place }] });
    expect(findings).toMatchObject([
      { id: 'nodeport-overlap', severity: 'high', ports: [32_768, 40_000], place, chance: 0.5 },
    ]);
    expect(findings[0]?.remedies[0]?.commands).toEqual(['portolan reserve 32768-40000 --apply']);
    expect(ids([], { nodePorts: [{ ports: [30_000, 32_767], place }] })).toEqual([]);
  });
});

describe('listeners', () => {
  const scope = { files: [], units: null, listeners: true, profiles: [] };
  const listen = (...holders: Holder[]) => audit([], { holders, scope });
  test('TCP counts; a number that the system may have chosen is told as such', () => {
    expect(listen(holder(40_000)).findings).toMatchObject([
      { id: 'ephemeral-overlap', severity: 'high', port: 40_000, origin: 'listener', place: null },
    ]);
    expect(listen(holder(40_001)).findings).toMatchObject([{ id: 'ephemeral-overlap', severity: 'medium' }]);
    // Then being a Dynamic Port is no fault of it.
    expect(listen(holder(50_101)).findings.map(({ id }) => id)).toEqual(['ephemeral-overlap']);
    expect(listen(holder(50_100)).findings.map(({ id }) => id)).toContain('dynamic-port-as-service');
  });
  test('UDP in the range counts only where a claim names the number', () => {
    const udp = { transport: 'udp', state: 'UNCONN' } as const;
    expect(listen(holder(40_001, udp)).fixed).toEqual([]);
    expect(listen(holder(51_820, udp)).fixed).toHaveLength(1);
    expect(listen(holder(5353, udp)).fixed).toHaveLength(1);
  });
  test('one that a file names is the file’s, and its holder', () => {
    const { fixed: ports, findings } = audit([fixed(40_001, { service: 'app' })], {
      holders: [holder(40_001, {}, 'docker-proxy')],
      scope,
    });
    expect(ports).toHaveLength(1);
    expect(findings[0]?.holders).toHaveLength(1);
  });
  test('connections, and other network namespaces, are none', () => {
    const namespace = { inode: 1, names: [], container: null, process: null };
    expect(listen(holder(40_001, { kind: 'connection' }), holder(40_003, { namespace })).fixed).toEqual([]);
  });
});

test('base 60 is told with what YAML 1.1 reads', () => {
  expect(ids([fixed(22, { sexagesimal: 1342, service: 'ssh' })])).toEqual(['yaml-sexagesimal']);
});

describe('the baseline', () => {
  const finding = 'ephemeral-overlap 40001/tcp compose.yaml#web';
  test('silences what it knows, whatever line it moves to, and tells what is gone', () => {
    const moved = fixed(40_001, { place: { file: 'compose.yaml', line: 99, column: 1, endColumn: 6 } });
    const made = audit([moved], {
      baseline: [
        { finding, reason: 'r' },
        { finding: 'gone', reason: 'old' },
      ],
    });
    expect(made.findings).toEqual([]);
    expect(made.silenced).toMatchObject([{ finding: { fingerprint: finding }, reason: 'r' }]);
    expect(made.unmatched).toEqual([{ finding: 'gone', reason: 'old' }]);
  });
  test('does not silence the same number of another service', () => {
    expect(ids([fixed(40_001, { service: 'api' })], { baseline: [{ finding, reason: 'r' }] })).toEqual([
      'ephemeral-overlap',
    ]);
  });
});

test('order: gravest first, then by file and line', () => {
  const found = audit([fixed(62_000), fixed(40_001), fixed(40_003)]).findings;
  expect(found.map(({ severity, port }) => `${severity} ${port}`)).toEqual([
    'high 40001',
    'high 40003',
    'low 62000',
    'low 62000',
  ]);
});

test.each([80, 120])('the page at %i columns: every line fits, commands apart', (width) => {
  const decision = audit(
    [
      fixed(40_001),
      fixed(40_001, { service: 'api', place: { file: 'a.yaml', line: 1, column: 1, endColumn: 6 } }),
      fixed(54_321),
    ],
    {
      baseline: [{ finding: 'gone', reason: 'old' }],
    },
  );
  const text = renderTerminal(auditPage(decision), {
    lang: translator('en'),
    width,
    color: false,
    unicode: true,
    fit: false,
  });
  expect(text).toMatch(/^\d+ findings, \d+ of them grave, on 3 fixed ports\.\n/);
  for (const line of text.split('\n'))
    if (!/ portolan | sudo /.test(line)) expect(line.length).toBeLessThanOrEqual(width);
});

test('every kind has its rule in every language', async () => {
  for (const tag of LANGUAGES) {
    const lang = await loadTranslator(tag, 'program');
    const log = auditSarif(audit([]), lang, { version: '1.0.0', root: 'file:///p/' }) as {
      runs: { tool: { driver: { rules: { id: string; help: { text: string } }[] } } }[];
    };
    const rules = log.runs[0]?.tool.driver.rules ?? [];
    expect(rules.map(({ id }) => id)).toEqual([...FINDING_IDS]);
    for (const { help } of rules) expect(help.text.length).toBeGreaterThan(20);
  }
});
