// The built program: what it answers on recorded machines, when it cannot look, and when its facts are damaged.
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openMachine } from '../../fixtures/archive.ts';
import { bash, checked, copyProgram, expectTold, PACKAGE, PROGRAM, portolan } from './program.ts';

const temporary = mkdtempSync(join(tmpdir(), 'portolan-answers-'));
const removals: (() => void)[] = [() => rmSync(temporary, { recursive: true, force: true })];
afterAll(() => {
  for (const remove of removals) remove();
});
function machine(name: string): string {
  const { root, remove } = openMachine(name);
  removals.push(remove);
  return root;
}
let nth = 0;
function folder(files: Readonly<Record<string, string | null>>): string {
  const root = join(temporary, `proc-${nth++}`);
  mkdirSync(root);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    if (text === null) mkdirSync(join(root, path));
    else writeFileSync(join(root, path), text);
  }
  return root;
}

interface Who {
  verdict: string;
  holders: {
    kind: string;
    transport: string;
    local: { address: string; port: number };
    freeInMs: number | null;
    owners: {
      pid: number;
      name: string;
      unit: string | null;
      container: { runtime: string; id: string } | null;
    }[];
  }[];
  gaps: { what: string; why: string; remedy: string | null }[];
}

describe('60163, the port that started this', () => {
  test('says what may be said of it', async () => {
    const { out } = await portolan(['60163', '--json']);
    const report = checked<{
      range: object;
      claims: {
        ports: [number, number];
        transports: string[];
        authority: string;
        product: string | null;
        vendor: string | null;
      }[];
      disagreements: { kind: string; text: string }[];
    }>(out);
    expect(report.range).toMatchObject({ name: 'dynamic', first: 49_152, last: 65_535, assignable: false });
    expect(report.claims.some((claim) => claim.authority === 'registry')).toBe(false);
    for (const claim of report.claims) expect(claim.ports[1] - claim.ports[0]).toBeGreaterThan(198);
    expect(report.claims.filter((claim) => claim.product === 'Xsan')).toMatchObject([
      { ports: [49_152, 65_535], transports: ['tcp'], vendor: 'Apple', authority: 'vendor' },
    ]);
    expect(report.disagreements.map(({ kind }) => kind)).toEqual(['claim-on-dynamic-port']);
    const text = (await portolan(['60163'])).out;
    expect(text).toMatch(/Nothing names 60163 itself/);
    expect(text).not.toMatch(/(registered|assigned) to Xsan/i);
  });
  test('for UDP alone there is no word of Xsan', async () => {
    const { out } = await portolan(['60163/udp']);
    expect(out).not.toMatch(/Xsan/);
    expect(out).toMatch(/Mosh/);
  });
});

describe('on a recorded machine', () => {
  let quiet = '';
  let busy = '';
  beforeAll(() => {
    quiet = machine('quiet-host');
    busy = machine('busy-server');
  });
  const who = async (root: string, port: string, code: number): Promise<Who> => {
    const outcome = await portolan(['who', port, '--json', '--procfs-root', root]);
    expect(outcome.err).toBe('');
    expect(outcome.code).toBe(code);
    return checked<Who>(outcome.out);
  };
  test('who: held, with every holder and its owner', async () => {
    const { verdict, holders } = await who(quiet, '60163', 0);
    expect(verdict).toBe('held');
    expect(holders.map(({ kind, transport }) => `${kind} ${transport}`).toSorted()).toEqual([
      'closing tcp',
      'connection tcp',
      'listener tcp',
      'listener udp',
    ]);
    for (const holder of holders) {
      if (holder.kind === 'closing') expect(holder).toMatchObject({ owners: [], freeInMs: 0x1765 * 10 });
      else expect(holder.owners).toMatchObject([{ pid: 19_118, name: 'node' }]);
    }
  });
  test('who: unheld is not known there, UDP alone is free', async () => {
    expect((await who(quiet, '4711', 3)).verdict).toBe('unknown');
    expect((await who(quiet, '4711/udp', 1)).verdict).toBe('free');
  });
  test('a unit, a container, three processes, and nobody that could be seen', async () => {
    expect((await who(busy, '5432', 0)).holders[0]?.owners[0]?.unit).toBe('postgresql@15-main.service');
    expect((await who(busy, '3000', 0)).holders[0]?.owners[0]?.container?.runtime).toBe('docker');
    expect((await who(busy, '80', 0)).holders[0]?.owners.map(({ pid }) => pid)).toEqual([200, 201, 202]);
    const ownerless = await who(busy, '51820', 0);
    expect(ownerless.holders.map(({ kind, owners }) => [kind, owners.length])).toEqual([
      ['listener', 0],
      ['listener', 0],
    ]);
  });
  test('the report in words', async () => {
    const { code, out } = await portolan(['80', '--procfs-root', busy]);
    expect(code).toBe(0);
    expect(out.split('\n')[0]).toMatch(/^80 is in use here: nginx \(pid 200\) and 2 more/);
    expect(out).toMatch(/unit nginx\.service/);
    // It may be the kernel's: WireGuard listens so. That is said as a possibility, not as a fact.
    expect((await portolan(['51820', '--procfs-root', busy])).out.replace(/\s+/g, ' ')).toContain(
      'the kernel itself holds it, or',
    );
    expect((await portolan(['8080', '--procfs-root', busy])).out).not.toMatch(/is free/);
  });
  test('list: everything, and each filter', async () => {
    const list = async (...args: string[]): Promise<Who['holders']> => {
      const outcome = await portolan(['list', '--json', '--procfs-root', busy, ...args]);
      expect(outcome.code).toBe(0);
      return checked<Who>(outcome.out).holders;
    };
    const ports = (holders: Who['holders']): number[] => [...new Set(holders.map(({ local }) => local.port))];
    expect(ports(await list())).toEqual([80, 3000, 5432, 45_000, 51_820, 60_163]);
    expect(ports(await list('--transport', 'udp'))).toEqual([51_820]);
    expect(ports(await list('--state', 'time-wait'))).toEqual([45_000]);
    expect(ports(await list('--state', 'kernel'))).toEqual([]);
    expect(ports(await list('--process', 'postgres'))).toEqual([5432]);
    expect(ports(await list('--process', '201'))).toEqual([80]);
    expect(ports(await list('--user', '33'))).toEqual([80]);
    expect(ports(await list('--port', '3000-6000'))).toEqual([3000, 5432]);
    expect(await list('--port', '1')).toEqual([]);
  });
  test('without a word it lists', async () => {
    const [bare, list] = await Promise.all([
      portolan(['--procfs-root', busy]),
      portolan(['list', '--procfs-root', busy]),
    ]);
    expect(bare.out).toBe(list.out);
    expect(bare.out).toMatch(/nginx 200 \+2 \(nginx\.service\)/);
  });
  test('a name that tries to steer the terminal does not', async () => {
    const evil = machine('quiet-host');
    writeFileSync(join(evil, '19118/cmdline'), 'node\0\u001b]0;owned\u0007\u001b[2J\r\u202e\0', 'utf8');
    for (const args of [
      ['60163'],
      ['who', '60163'],
      ['list'],
      ['60163', '--json'],
      ['who', '60163', '--color=always'],
    ]) {
      const { out } = await portolan([...args, '--procfs-root', evil]);
      // biome-ignore lint: escapes are what is looked for
      expect(out.replace(/\u001b\[[0-9;]*m/g, ''), args.join(' ')).not.toMatch(
        /[\u0000-\u0009\u000b-\u001f\u202e]/,
      );
    }
  });
});

describe('when it cannot look, nothing is called free', () => {
  const HEAD = '  sl  local_address rem_address   st\n';
  const cases: [string, () => string][] = [
    ['an empty folder', () => folder({})],
    ['net/tcp that cannot be read', () => folder({ 'net/tcp': null, 'net/udp': HEAD })],
    ['net/tcp that is damaged', () => folder({ 'net/tcp': `${HEAD}   0: rubbish\n`, 'net/udp': HEAD })],
    ['net/tcp that is empty', () => folder({ 'net/tcp': '', 'net/udp': '' })],
    ['net/tcp of binary rubbish', () => folder({ 'net/tcp': '\u0000\u0001'.repeat(5000), 'net/udp': HEAD })],
  ];
  test.each(cases)('%s', async (_what, make) => {
    const root = make();
    const who = await portolan(['who', '80', '--procfs-root', root]);
    expect(who.code).toBe(3);
    expect(who.out).not.toMatch(/free|\bholds 80 here/);
    expect(checked<Who>((await portolan(['who', '80', '--json', '--procfs-root', root])).out).verdict).toBe(
      'unknown',
    );
    const report = await portolan(['80', '--procfs-root', root]);
    expect(report.code).toBe(0);
    expect(report.out.split('\n')[0]).toMatch(/^80 may be in use here|not all could be looked at/);
    expect(report.out).not.toMatch(/is free/);
    expect(report.out).toMatch(/Not seen: /);
    const list = await portolan(['list', '--procfs-root', root]);
    expect(list.out).toMatch(/No socket was seen, but/);
    const range = await portolan(['80-82', '--procfs-root', root]);
    expect(range.out).not.toMatch(/\bfree\b/);
  });
  test.each<[string, () => string]>([
    ['a folder that is not there', () => join(temporary, 'nowhere')],
    ['a file', () => PROGRAM],
    ['an empty path', () => ' '],
  ])('--procfs-root of %s', async (_what, make) => {
    // Those that look when they are asked, or later, and never; each before it does anything.
    for (const args of [
      ['who', '80'],
      ['80'],
      ['list'],
      ['mcp'],
      ['audit'],
      ['ephemeral'],
      ['kill', '80', '--dry-run'],
      ['reserve', '40005'],
      ['read', PROGRAM],
      ['export', join(temporary, 'pages')],
      ['search', 'http'],
      ['facts'],
    ]) {
      const outcome = await portolan([...args, '--procfs-root', make()]);
      expectTold(outcome, 2, /--procfs-root/);
    }
    expect(existsSync(join(temporary, 'pages'))).toBe(false);
  });
  test('--procfs-root where no host is looked at is refused, whatever it names', async () => {
    for (const args of [
      ['read', PROGRAM],
      ['export', join(temporary, 'pages')],
    ]) {
      const outcome = await portolan([...args, '--procfs-root', temporary]);
      expectTold(outcome, 2, /takes no --procfs-root: it looks at no host/);
    }
  });
  test('without native code a TCP port is not called free on this machine either', async () => {
    const { verdict } = checked<Who>((await portolan(['who', '1/tcp', '--no-ffi', '--json'])).out);
    expect(['unknown', 'held']).toContain(verdict);
  });
});

describe('exit codes', () => {
  test('search: 0 found, 1 not', async () => {
    const found = await portolan(['search', 'apple', 'file', '--json']);
    expect(found.code).toBe(0);
    expect(checked<{ claims: unknown[] }>(found.out).claims.length).toBeGreaterThan(0);
    const none = await portolan(['search', 'zzqqxx', '--json']);
    expect(none.code).toBe(1);
    expect(checked<{ claims: unknown[] }>(none.out).claims).toEqual([]);
    expect((await portolan(['search', 'zzqqxx'])).out).toMatch(/No claim (speaks of|mentions)/);
  });
  test('facts and facts sources', async () => {
    for (const args of [['facts'], ['facts', 'sources'], ['facts', 'reset']]) {
      const outcome = await portolan([...args, '--json']);
      expect(outcome.code).toBe(0);
      checked(outcome.out);
      expect((await portolan(args)).code).toBe(0);
    }
  });
});

describe('a reader that goes away is no failure', () => {
  test.each([
    ['after one byte', '$PORTOLAN 60163 --json | head -c 1; exit ${PIPESTATUS[0]}'],
    ['after one byte, as text', '$PORTOLAN 0-65535 | head -c 1; exit ${PIPESTATUS[0]}'],
    ['at once', '$PORTOLAN 0-65535 --json | true; exit ${PIPESTATUS[0]}'],
    ['at once, slowly', '$PORTOLAN 0-65535 | (exec 0<&-; sleep 1); exit ${PIPESTATUS[0]}'],
    ['help', '$PORTOLAN --help | true; exit ${PIPESTATUS[0]}'],
    ['standard output closed before', '$PORTOLAN 60163 --json >&-'],
    ['both closed before', '$PORTOLAN 60163 --json >&- 2>&-'],
  ])('%s', (_what, line) => {
    const { code, err } = bash(line);
    expect(err).toBe('');
    expect(code).toBe(0);
  });
  test('an error whose reader is gone keeps its exit code', () => {
    expect(bash('{ $PORTOLAN 65536 2>&1 >/dev/null; echo $? >&3; } 3>&1 | cat').out).toMatch(/2\n$/);
    expect(bash('$PORTOLAN 65536 2>&-').code).toBe(2);
  });
  test('a pipe that is read slowly loses nothing', async () => {
    // Of a machine on which nothing changes between the two.
    const recorded = machine('busy-server');
    const whole = (await portolan(['0-20000', '--procfs-root', recorded])).out;
    expect(whole.length).toBeGreaterThan(500_000);
    const slow = bash(`$PORTOLAN 0-20000 --procfs-root '${recorded}' | (sleep 1; sha256sum)`);
    expect(slow.out.split(' ')[0]).toBe(createHash('sha256').update(whole).digest('hex'));
  });
  test.skipIf(!existsSync('/dev/full'))('a full disk is told', () => {
    const { code, err } = bash('$PORTOLAN 80 > /dev/full');
    expect(code).not.toBe(0);
    expect(err).toMatch(/ENOSPC/);
    expect(err).not.toMatch(/\n\s+at /);
  });
});

describe('facts that are damaged or missing', () => {
  /** A copy of the built program whose facts may be spoiled. */
  function copy(): { program: string; facts: string } {
    const root = join(temporary, `copy-${nth++}`);
    return { program: copyProgram(root), facts: join(root, 'dist', 'facts') };
  }
  const flip = (path: string, at: number): void => {
    const bytes = readFileSync(path);
    const offset = Math.floor(bytes.length * at);
    bytes[offset] = (bytes[offset] ?? 0) ^ 0xff;
    writeFileSync(path, bytes);
  };
  test('a copy that is whole answers', async () => {
    expect((await portolan(['80', '--json'], { program: copy().program })).code).toBe(0);
  });
  test.each<[string, (facts: string) => void]>([
    ['claims.pack missing', (facts) => rmSync(join(facts, 'claims.pack'))],
    ['registry.pack missing', (facts) => rmSync(join(facts, 'registry.pack'))],
    ['the folder missing', (facts) => rmSync(facts, { recursive: true })],
    ['claims.pack cut short', (facts) => truncateSync(join(facts, 'claims.pack'), 500_000)],
    ['registry.pack empty', (facts) => truncateSync(join(facts, 'registry.pack'), 0)],
    ['registry.pack longer than written', (facts) => truncateSync(join(facts, 'registry.pack'), 9_000_000)],
    ['registry.pack with another header', (facts) => flip(join(facts, 'registry.pack'), 0)],
    [
      'registry.pack a folder',
      (facts) => {
        rmSync(join(facts, 'registry.pack'));
        mkdirSync(join(facts, 'registry.pack'));
      },
    ],
  ])('%s: exit 3 and a message', async (_what, spoil) => {
    const { program, facts } = copy();
    spoil(facts);
    for (const args of [['80'], ['80', '--json'], ['https'], ['search', 'http'], ['facts']]) {
      expectTold(await portolan(args, { program }), 3, /The facts index .*(damaged|cannot be opened)/);
    }
    // Who holds a port has nothing to do with the facts.
    expect([0, 1, 3]).toContain((await portolan(['who', '80', '--json'], { program })).code);
  });
  test('a byte flipped anywhere: the same answer or exit 3, never fewer claims', async () => {
    const { program, facts } = copy();
    const good = (await portolan(['80', '--json', '--no-ffi'], { program })).out;
    const claims = (out: string): unknown => (JSON.parse(out) as { claims: unknown }).claims;
    for (let i = 0; i < 12; i++) {
      const path = join(facts, i % 2 === 0 ? 'registry.pack' : 'claims.pack');
      const before = readFileSync(path);
      flip(path, (i + 0.5) / 12);
      const outcome = await portolan(['80', '--json', '--no-ffi'], { program });
      if (outcome.code === 0) expect(claims(outcome.out)).toEqual(claims(good));
      else expectTold(outcome, 3, /is damaged/);
      writeFileSync(path, before);
    }
  });
  test('no regular file in its place: told at once, and reset takes it away', async () => {
    const dataDir = join(temporary, 'data-pipe');
    mkdirSync(dataDir);
    const place = join(dataDir, 'registry.pack');
    const env = { PORTOLAN_DATA_DIR: dataDir };
    // A pipe without a writer, and a device that never ends.
    for (const make of [
      () => bash('mkfifo "$PLACE"', { PLACE: place }),
      () => symlinkSync('/dev/zero', place),
    ]) {
      make();
      for (const args of [
        ['list', '--here'],
        ['60163'],
        ['facts'],
        ['search', 'ssh'],
        ['who', 'https', '--here'],
      ]) {
        expectTold(
          await portolan(args, { env }),
          3,
          /registry\.pack cannot be opened \(it is no regular file\)/,
        );
      }
      expectTold(
        await portolan(['facts', 'update', '--from', place], { env }),
        3,
        /it is no regular file.*facts reset/,
      );
      expect((await portolan(['facts', 'reset'], { env })).code).toBe(0);
      expect((await portolan(['60163'], { env })).code).toBe(0);
    }
  });
  test('a damaged update: exit 3, and reset mends it', async () => {
    const dataDir = join(temporary, 'damaged-update');
    mkdirSync(dataDir);
    writeFileSync(join(dataDir, 'registry.pack'), 'rubbish');
    const env = { PORTOLAN_DATA_DIR: dataDir };
    const outcome = await portolan(['80'], { env });
    expectTold(outcome, 3, /damaged/);
    expect(outcome.err).toMatch(/facts reset/);
    expect((await portolan(['facts', 'reset'], { env })).code).toBe(0);
    expect((await portolan(['80'], { env })).code).toBe(0);
  });
});

describe('facts update', () => {
  const XML = join(PACKAGE, '../../../shared/data/iana-service-names-port-numbers-2025-02-25.xml.gz');
  test('a data directory that cannot be written', async () => {
    const file = join(temporary, 'a-file');
    writeFileSync(file, 'x');
    const env = { PORTOLAN_DATA_DIR: join(file, 'below') };
    // Asking works all the same.
    expect((await portolan(['80'], { env })).code).toBe(0);
    if (!existsSync(XML)) {
      console.warn(`skipped the rest: ${XML} is absent`);
      return;
    }
    expectTold(
      await portolan(['facts', 'update', '--from', XML], { env }),
      1,
      /data directory .* cannot be written/,
    );
  });
  test.each<[string, () => string, RegExp]>([
    ['a file that is not there', () => join(temporary, 'nowhere.xml'), /ENOENT/],
    ['a file that is no registry', () => PROGRAM, /refused/],
    [
      'a registry of one record',
      () => {
        const path = join(temporary, 'small.xml.gz');
        writeFileSync(
          path,
          gzipSync(
            '<registry id="service-names-port-numbers"><updated>2026-01-01</updated><record><name>a</name><protocol>tcp</protocol><number>1</number></record></registry>',
          ),
        );
        return path;
      },
      /at least 10000/,
    ],
    ['a server that is not there', () => 'http://127.0.0.1:9/x.xml', /could not be fetched/],
  ])('from %s: exit 1, and nothing is written', async (_what, from, why) => {
    const dataDir = join(temporary, `data-${nth++}`);
    expectTold(
      await portolan(['facts', 'update', '--from', from()], { env: { PORTOLAN_DATA_DIR: dataDir } }),
      1,
      why,
    );
    expect(existsSync(dataDir) ? readdirSync(dataDir) : []).toEqual([]);
  });
  test.skipIf(!existsSync(XML))(`IANA's edition of 2025-02-25 (skipped where ${XML} is absent)`, async () => {
    const env = { PORTOLAN_DATA_DIR: join(temporary, 'data-iana') };
    const before = checked<{ claims: unknown[] }>((await portolan(['443', '--json'], { env })).out);
    const update = await portolan(['facts', 'update', '--from', XML, '--json'], { env });
    expect(update.err).toBe('');
    expect(update.code).toBe(0);
    const result = checked<{ changed: boolean; kept: number; after: { date: string } }>(update.out);
    expect(result).toMatchObject({ changed: true, after: { date: '2025-02-25' } });
    // The shipped edition is of 2026-09: what it assigned since is kept.
    expect(result.kept).toBeGreaterThan(0);
    const after = checked<{ claims: unknown[]; sources: Record<string, { date: string }> }>(
      (await portolan(['443', '--json'], { env })).out,
    );
    expect(after.claims.length).toBeGreaterThanOrEqual(before.claims.length - 1);
    expect(Object.values(after.sources).some(({ date }) => date === '2025-02-25')).toBe(true);
    expect(
      checked<{ claims: { authority: string }[] }>(
        (await portolan(['60163', '--json'], { env })).out,
      ).claims.some(({ authority }) => authority === 'registry'),
    ).toBe(false);
    expect((await portolan(['search', 'https', '--json'], { env })).code).toBe(0);
    expect((await portolan(['facts', 'reset', '--json'], { env })).out).toMatch(/"reset": true/);
    expect(checked<{ claims: unknown[] }>((await portolan(['443', '--json'], { env })).out).claims).toEqual(
      before.claims,
    );
  });
});
