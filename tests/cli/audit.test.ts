// The built program: `portolan audit` on files, on a mounted configuration, as JSON, with profiles and a baseline.
import { mkdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { type Audit, AuditFolders, COMPOSE } from './audit-run.ts';
import { bash, expectTold } from './program.ts';

const folders = new AuditFolders();
afterAll(() => folders.remove());
const { folder, audit, json } = folders;

const said = ({ findings }: Audit): string[] =>
  findings.map(
    ({ id, port, transport, where, service }) =>
      `${id} ${port}/${transport} ${where.file}:${where.line}:${where.column} ${service}`,
  );

describe('files', () => {
  test('a compose file: where, what, chance, claims, variables and ways out', () => {
    const cwd = folder({ 'compose.yaml': COMPOSE, '.env': 'API_PORT=40001\n' });
    const result = json(cwd, 'compose.yaml');
    expect(result.code).toBe(1);
    expect(said(result)).toEqual([
      'ephemeral-overlap 60163/tcp compose.yaml:5:10 web',
      'ephemeral-overlap 54321/tcp compose.yaml:6:24 web',
      'ephemeral-overlap 40001/tcp compose.yaml:7:10 web',
      'ephemeral-overlap 60163/tcp compose.yaml:11:14 twin',
      'same-port-twice 60163/tcp compose.yaml:11:14 twin',
      'dynamic-port-as-service 60163/tcp compose.yaml:5:10 web',
      'claimed-by-other 54321/tcp compose.yaml:6:24 web',
      'dynamic-port-as-service 54321/tcp compose.yaml:6:24 web',
      'claimed-by-other 40001/tcp compose.yaml:7:10 web',
      'dynamic-port-as-service 60163/tcp compose.yaml:11:14 twin',
    ]);
    const [first, admin, api] = result.findings;
    expect(first?.remedies.some(({ commands, undo }) => commands.length > 0 && undo.length > 0)).toBe(true);
    expect(admin?.variable).toEqual({ name: 'ADMIN_PORT', where: null });
    expect(admin?.claims.map(({ product }) => product)).toContain('Supabase local stack');
    expect(api?.variable).toMatchObject({ name: 'API_PORT', where: { file: '.env', line: 1 } });
  });
  test('without arguments: the project’s own files', () => {
    const cwd = folder({
      'compose.yaml': COMPOSE,
      '.env': 'API_PORT=40001\n',
      Procfile: 'web: node a --port 41000\n',
      'package.json': '{"scripts": {"dev": "vite --port 42000"}}',
      '.devcontainer/devcontainer.json': '{ /* c */ "forwardPorts": [43000] }',
      '.devcontainer/two/devcontainer.json': '{ "appPort": "44000:1" }',
    });
    const { looked, findings } = json(cwd);
    expect(looked.files).toEqual([
      'compose.yaml',
      'Procfile',
      'package.json',
      '.env',
      '.devcontainer/devcontainer.json',
      '.devcontainer/two/devcontainer.json',
    ]);
    const overlaps = findings.filter(({ id }) => id === 'ephemeral-overlap').map(({ port }) => port);
    expect(new Set(overlaps)).toEqual(new Set([60_163, 54_321, 40_001, 41_000, 42_000, 43_000, 44_000]));
  });
  test('one number in several files of a project is one program', () => {
    const cwd = folder({
      '.env': 'PORT=3000\n',
      Procfile: 'web: next start -p 3000\n',
      'package.json': '{"scripts": {"dev": "next dev -p 3000", "start": "next start -p 3000"}}',
      '.devcontainer/devcontainer.json': '{"forwardPorts": [3000]}',
      '.devcontainer/b/devcontainer.json': '{"forwardPorts": [3000]}',
      'compose.yaml': 'services: {web: {build: ., ports: ["3000:3000"]}}\n',
    });
    expect(json(cwd)).toMatchObject({ code: 0, findings: [] });
  });
  test('nothing wrong: 0; a folder may be named', () => {
    const cwd = folder({ 'p/compose.yaml': 'services: {web: {build: ., ports: ["8080:80"]}}\n' });
    const outcome = audit(cwd, 'p');
    expect(outcome).toMatchObject({ code: 0, err: '' });
    expect(outcome.out).toMatch(/^Nothing found: 1 fixed port/);
  });
  test('known by what stands in them', () => {
    const cwd = folder({
      'a.yml':
        'apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {type: NodePort, ports: [{port: 80, nodePort: 29000}]}\n',
      'b.conf': '[Socket]\nListenStream=45000\n',
      c: 'X_PORT=46000\n',
    });
    const result = json(cwd, 'a.yml', 'c');
    expect(said(result)).toEqual([
      'ephemeral-overlap 46000/tcp c:1:8 X_PORT',
      'nodeport-overlap 29000/tcp a.yml:4:53 s',
    ]);
  });
  test('standard output is the answer alone, and fits 80 columns', () => {
    const { out, err } = audit(folder({ 'compose.yaml': COMPOSE }), 'compose.yaml');
    expect(err).toBe('');
    expect(out.split('\n')[0]).toMatch(/^\d+ findings, \d+ of them grave, on 4 fixed ports\.$/);
    for (const line of out.split('\n'))
      if (!/\| sudo tee/.test(line)) expect(line.length).toBeLessThanOrEqual(80);
  });
});

describe('what cannot be read is told, and the rest goes on', () => {
  test('broken, binary, huge, blocked, unknown', () => {
    const cwd = folder({
      'compose.yaml': 'services:\n  a:\n    ports: ["40001:1"]\n  bad: [\n',
      'binary.env': 'PORT=1\0',
      '.env': 'PORT=40002\n',
      'odd.txt': 'hello world\n',
      'package.json': '{"scripts": {"a": "vite --port 40003"',
    });
    truncateSync(join(cwd, 'binary.env'), 100_000_000);
    writeFileSync(join(cwd, 'big.env'), `PORT=40004\n${'# filler\n'.repeat(400_000)}`);
    bash(`mkfifo '${join(cwd, 'pipe.env')}'`);
    const result = json(
      cwd,
      'compose.yaml',
      'binary.env',
      '.env',
      'odd.txt',
      'package.json',
      'big.env',
      'pipe.env',
    );
    expect(
      new Set(result.findings.filter(({ id }) => id === 'ephemeral-overlap').map(({ port }) => port)),
    ).toEqual(new Set([40_001, 40_002, 40_003, 40_004]));
    const gaps = result.gaps.map(({ what, why }) => `${what}: ${why}`).join('\n');
    expect(gaps).toMatch(/compose\.yaml:\d+ means/);
    expect(gaps).toMatch(/binary\.env fixes: .*binary file/);
    expect(gaps).toMatch(/odd\.txt fixes: neither its name/);
    expect(gaps).toMatch(/package\.json:1 means/);
    expect(gaps).toMatch(/rest of big\.env: it has 3600011 bytes/);
    expect(gaps).toMatch(/pipe\.env fixes: .*no regular file/);
  });
  test('a .env of 100 MB is read at its start', () => {
    const cwd = folder({ '.env': 'PORT=40002\n' });
    const line = 'A=b\n'.repeat(1 << 18);
    for (let chunk = 0; chunk < 96; chunk++) writeFileSync(join(cwd, '.env'), line, { flag: 'a' });
    const result = json(cwd, '.env');
    expect(result.findings.map(({ port }) => port)).toContain(40_002);
    expect(result.gaps[0]?.what).toBe('the rest of .env');
  });
  test('a YAML bomb', () => {
    const levels = Array.from(
      { length: 30 },
      (_, level) =>
        `l${level}: &l${level} [${Array(9)
          .fill(level === 0 ? 'x' : `*l${level - 1}`)
          .join()}]`,
    );
    const cwd = folder({
      'compose.yaml': `${levels.join('\n')}\nservices: {a: {ports: ["40001:1", *l29]}}\n`,
    });
    const result = json(cwd, 'compose.yaml');
    expect(result.findings.map(({ port }) => port)).toContain(40_001);
    expect(result.gaps.map(({ why }) => why).join()).toMatch(/multiply to/);
  });
  test('only what cannot be looked at: 3', () => {
    const cwd = folder({ 'x.env': 'A\0B' });
    expect(audit(cwd, 'x.env').code).toBe(3);
  });
});

describe('wrong usage', () => {
  const cwd = folder({
    'compose.yaml': COMPOSE,
    'bad.json': '{"format": "portolan.profile/1"}',
    'x.txt': 'hello',
  });
  test.each([
    [['gone.yaml'], /There is no file gone\.yaml/],
    [['--profile', 'wiregard'], /no profile “wiregard”.*wireguard/],
    [['--profile', './bad.json'], /bad\.json:1 cannot be used: "name"/],
    [['--profile', './x.txt'], /x\.txt is no profile/],
    [['--config-root', 'gone'], /gone is not a folder/],
    [['--json', '--sarif'], /two forms/],
    [['--baseline', 'gone.json'], /cannot be read \(ENOENT\)/],
    [['--baseline', 'x.txt'], /is no JSON/],
    [['--reason', 'x'], /goes with --write-baseline/],
  ])('%j', (args, message) => {
    expectTold(audit(cwd, ...args), 2, message);
  });
});

describe('the system’s units', () => {
  const root = folder({
    'usr/lib/systemd/system/web.socket': '[Socket]\nListenStream=45000\n',
    'usr/lib/systemd/system/web.socket.d/10-x.conf': '[Socket]\nListenStream=45001\n',
    'etc/systemd/system/web.socket.d/20-y.conf': '[Socket]\n# c\nListenDatagram=127.0.0.1:45002\n',
    'usr/lib/systemd/system/low.service': '[Service]\nUser=www\nExecStart=/bin/low --port 80\n',
    'usr/lib/systemd/system/mask.socket': '[Socket]\nListenStream=45003\n',
    'usr/lib/systemd/system/tpl@.socket': '[Socket]\nListenStream=%i\n',
    'usr/lib/systemd/system/over.socket': '[Socket]\nListenStream=45004\n',
    'etc/systemd/system/over.socket': '[Socket]\nListenStream=45005\n',
    'usr/lib/systemd/system/env.service':
      '[Service]\nEnvironmentFile=-/etc/default/env\nExecStart=/bin/app --port $WEB\n',
    'etc/default/env': 'WEB=45006\n',
    'opt/linked.service': '[Service]\nExecStart=/bin/app --port 45007\n',
  });
  symlinkSync('/dev/null', join(root, 'etc/systemd/system/mask.socket'));
  symlinkSync('/opt/linked.service', join(root, 'etc/systemd/system/linked.service'));
  mkdirSync(join(root, 'etc/systemd/system/sockets.target.wants'));
  symlinkSync(
    '/usr/lib/systemd/system/tpl@.socket',
    join(root, 'etc/systemd/system/sockets.target.wants/tpl@45008.socket'),
  );
  const cwd = folder({});
  test('with drop-ins, masks, overrides, instances, variables and links within the root', () => {
    const result = json(cwd, '--config-root', root);
    const ports = result.findings
      .filter(({ id }) => id === 'ephemeral-overlap')
      .map(({ port, transport }) => `${port}/${transport}`);
    expect(ports.toSorted()).toEqual([
      '45000/tcp',
      '45001/tcp',
      '45002/udp',
      '45005/tcp',
      '45006/tcp',
      '45007/tcp',
      '45008/tcp',
    ]);
    expect(result.findings.find(({ id }) => id === 'privileged-without-capability')).toMatchObject({
      port: 80,
      service: 'low.service',
      where: { line: 3, column: 27 },
    });
    expect(result.looked.units).toBe(6);
    expect(result.findings.find(({ port }) => port === 45_002)?.where).toMatchObject({
      file: join(root, 'etc/systemd/system/web.socket.d/20-y.conf'),
      line: 3,
      column: 26,
    });
  });
  test('of a recorded host are a gap', () => {
    expect(json(cwd).gaps.map(({ what }) => what)).toContain('the systemd units of that host');
  });
});

describe('profiles', () => {
  const cwd = folder({
    'mine.json':
      '{"format": "portolan.profile/1", "name": "mine", "title": "Mine", "ports": [\n{"ports": [40001, 40001], "transports": ["udp"], "service": "app", "source": "wiki"}]}',
    'compose.yaml': 'services: {shop: {build: ., ports: ["51820:1/udp"]}}\n',
  });
  test('that ship', () => {
    const result = json(cwd, '--profile', 'wireguard');
    expect(said(result)).toEqual([
      'ephemeral-overlap 51820/udp null:null:null WireGuard: VPN tunnel',
      'dynamic-port-as-service 51820/udp null:null:null WireGuard: VPN tunnel',
    ]);
  });
  test('of one’s own, several at once, beside files', () => {
    const result = json(cwd, '--profile', './mine.json', '--profile', 'wireguard,supabase', 'compose.yaml');
    expect(result.looked.profiles).toEqual(['mine', 'wireguard', 'supabase']);
    expect(said(result)).toContain('ephemeral-overlap 40001/udp mine.json:2:12 Mine: app');
    expect(said(result)).toContain('same-port-twice 51820/udp compose.yaml:1:38 shop');
  });
  test('each that ships can be used, and is listed', () => {
    const { out, code } = audit(cwd, '--profile', 'list');
    expect(code).toBe(0);
    const names = [...out.matchAll(/^(\S+) {2,}/gm)].map(([, name = '']) => name);
    expect(names.length).toBeGreaterThan(40);
    const result = json(cwd, '--profile', names.join(','));
    expect(result.looked.profiles).toEqual(names);
    expect([0, 1]).toContain(result.code);
  });
});

describe('xsan', () => {
  const cwd = folder({});
  test('none of it: says so, and why Apple lists 16,384 ports', () => {
    const { code, out } = audit(cwd, '--profile', 'xsan', '--config-root', cwd);
    expect(code).toBe(0);
    expect(out).toMatch(/^There is no Xsan here/);
    expect(out.replace(/\s+/g, ' ')).toMatch(
      /the operating system picks its ports.* Apple lists 16,384 ports/,
    );
    expect(out.replace(/\s+/g, ' ')).toMatch(/macOS cannot reserve ports/);
  });
  test('without fsports', () => {
    const root = folder({ 'Library/Preferences/Xsan/fsnameservers': '10.0.0.1\n' });
    const result = json(cwd, '--profile', 'xsan', '--config-root', root);
    expect(result).toMatchObject({ code: 1, findings: [{ id: 'xsan-no-fsports' }], xsan: { present: true } });
  });
  test('with it: the window against range and claims, and one that is free of all', () => {
    const root = folder({
      'Library/Preferences/Xsan/fsports': '# c\nMinPort 52000\nMaxPort 52100\nAltPmap 5164\n',
    });
    const result = json(cwd, '--profile', 'xsan', '--config-root', root);
    expect(result.findings.map(({ id, where }) => `${id} ${where.line}:${where.column}`)).toEqual([
      'xsan-window-ephemeral 2:9',
      'xsan-window-claimed 2:9',
      'xsan-window-elsewhere 2:9',
      'xsan-altpmap-claimed 4:9',
    ]);
    const [first, last] = result.xsan?.proposal?.ports ?? [0, 0];
    expect(last - first).toBe(100);
    expect(last < 32_768 || first > 60_999).toBe(true);
    expect(result.xsan?.proposal?.lines).toEqual([`MinPort ${first}`, `MaxPort ${last}`, 'AltPmap 5164']);
    const commands =
      result.findings[0]?.remedies.flatMap((remedy) => [...remedy.commands, ...remedy.undo]) ?? [];
    expect(commands).toContain(`portolan reserve ${first}-${last} --apply`);
    expect(commands).toContain(`portolan unreserve ${first}-${last} --apply`);
    // The lines that are printed are lines that it then finds nothing against.
    writeFileSync(join(root, 'Library/Preferences/Xsan/fsports'), `MinPort ${first}\nMaxPort ${last}\n`);
    const after = json(cwd, '--profile', 'xsan', '--config-root', root);
    expect(after.findings.filter(({ severity }) => severity !== 'low')).toEqual([]);
  });
  test('MinPort above MaxPort', () => {
    const root = folder({ 'Library/Preferences/Xsan/fsports': 'MinPort 52100\nMaxPort 52000\n' });
    const { code, out } = audit(cwd, '--profile', 'xsan', '--config-root', root);
    expect(code).toBe(1);
    expect(out).toMatch(/MinPort is above MaxPort \(52100 > 52000\)/);
  });
  test('an fsports file that is named', () => {
    const here = folder({ fsports: 'MinPort 52000\nMaxPort 52100\n' });
    expect(json(here, 'fsports').findings[0]).toMatchObject({
      id: 'xsan-window-ephemeral',
      where: { file: 'fsports', line: 1 },
    });
  });
});

describe('the baseline', () => {
  test('is written with a reason, silences, keeps reasons, and tells what is gone', () => {
    const cwd = folder({ 'compose.yaml': COMPOSE });
    const wrote = audit(cwd, 'compose.yaml', '--write-baseline', 'known.json', '--reason', 'moves in May');
    expect(wrote).toMatchObject({ code: 0, err: '' });
    const known = JSON.parse(readFileSync(join(cwd, 'known.json'), 'utf8')) as {
      known: { finding: string; reason: string }[];
    };
    expect(known.known.length).toBeGreaterThan(4);
    expect(new Set(known.known.map(({ reason }) => reason))).toEqual(new Set(['moves in May']));
    const silent = json(cwd, 'compose.yaml', '--baseline', 'known.json');
    expect(silent).toMatchObject({ code: 0, findings: [], unmatched: [] });
    expect(silent.silenced.length).toBeGreaterThanOrEqual(known.known.length);
    const told = audit(cwd, 'compose.yaml', '--baseline', 'known.json').out;
    expect(told).toMatch(
      new RegExp(`^Nothing new: ${silent.silenced.length} known findings on \\d+ fixed ports\\.`),
    );
    expect(told).not.toContain('nothing speaks against');
    // The same findings, lines further down, beside a new one; another is mended.
    writeFileSync(
      join(cwd, 'compose.yaml'),
      `# more\n\n${COMPOSE.replace('54321', '8081')}      - "40005:1"\n`
        .replace('["60163:81"]\n', '["60163:81", "40005:1"]\n')
        .replace('      - "40005:1"\n', ''),
    );
    const later = json(cwd, 'compose.yaml', '--baseline', 'known.json');
    expect(later.code).toBe(1);
    expect(later.findings.map(({ port }) => port)).toEqual([40_005]);
    expect(later.unmatched.map(({ fingerprint }) => fingerprint)).toContain(
      'ephemeral-overlap 54321/tcp compose.yaml#web',
    );
    expect(audit(cwd, 'compose.yaml', '--baseline', 'known.json').out).toMatch(/no longer found: .*54321/s);
    audit(cwd, 'compose.yaml', '--write-baseline', 'known.json');
    const again = JSON.parse(readFileSync(join(cwd, 'known.json'), 'utf8')) as typeof known;
    expect(again.known.find(({ finding }) => finding.includes('60163'))?.reason).toBe('moves in May');
    expect(again.known.find(({ finding }) => finding.includes('40005'))?.reason).toMatch(
      /^was there on \d{4}-/,
    );
  });
  test('an entry without a reason is an error', () => {
    const cwd = folder({
      'compose.yaml': COMPOSE,
      'known.json': '{"format": "portolan.audit-baseline/1", "known": [{"finding": "x", "reason": " "}]}',
    });
    expectTold(audit(cwd, 'compose.yaml', '--baseline', 'known.json'), 2, /gives no reason for “x”/);
  });
});
