// `portolan reserve` against what goes wrong: killed at every step, files of other hands, links that lead elsewhere, and a
// question that is interrupted.
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { BIN, liveTest, type Namespace, scenario } from './namespace.ts';
import { dropIn, folder, list, PORT, run, setList, tree } from './reserve-place.ts';

/** Runs the program and kills it, like kill -9, as it enters this call for the n-th time; true where it came so far. */
async function killed(ns: Namespace, words: readonly string[], call: string, when: number): Promise<boolean> {
  const trace = [
    '-f',
    '-o',
    '/dev/null',
    '-e',
    `trace=${call}`,
    '-e',
    `inject=${call}:signal=KILL:when=${when}`,
  ];
  const ran = await ns.run('strace', [...trace, process.execPath, BIN, ...words]);
  return ran.code !== 0;
}

/** Every call that changes or keeps something, and how often one run makes it at the most. */
const STEPS: readonly (readonly [call: string, most: number])[] = [
  ['mkdir', 2],
  ['flock', 2],
  ['pwrite64', 6],
  ['fsync', 3],
  ['fchmod', 1],
  ['rename', 2],
  ['unlink', 3],
];

describe('killed at any step', () => {
  liveTest(
    'nothing of others is lost, nobody is locked out, and what was begun can be undone',
    { needs: ['root', 'strace'], timeout: 300_000 },
    async (ns) => {
      let kills = 0;
      for (const [call, most] of STEPS) {
        for (let when = 1; when <= most; when++) {
          const root = folder(ns);
          await setList(ns, '40000,50000-50005');
          const words = [
            'reserve',
            `${PORT},50004-50007`,
            '--apply',
            '--yes',
            '--no-prove',
            '--config-root',
            root,
          ];
          if (!(await killed(ns, words, call, when))) continue;
          kills++;
          const about = `${call} ${when}`;
          const left = existsSync(dropIn(root)) ? readFileSync(dropIn(root), 'utf8') : '';
          expect(left, about).toMatch(/^$|^# portolan[^]*# portolan reserve\/1 end\n$/);
          const here = await list(ns);
          expect(['40000,50000-50005', '40000,50000-50007,60163'], about).toContain(here);
          // The next run finishes it …
          const next = await run(ns, root, 'reserve 60165 --apply --no-prove');
          expect(next, about).toMatchObject({ code: 0, verified: true });
          const came = here.includes(String(PORT));
          const told = next.notes.some(({ kind }) => kind === 'unfinished');
          expect(told, about).toBe(came && left === '');
          expect(readFileSync(dropIn(root), 'utf8').includes('60163'), about).toBe(came);
          expect(
            readdirSync(join(root, 'etc', 'sysctl.d')).filter((name) => name !== 'zz-portolan.conf'),
            about,
          ).toEqual([]);
          // … and it can be given back, with nothing left of it.
          await run(ns, root, `unreserve ${PORT},50004-50007,60165 --apply --no-prove`);
          expect(await list(ns), about).toBe('40000,50000-50005');
          expect(
            Object.keys(tree(root)).filter((name) => name.includes('portolan')),
            about,
          ).toEqual([]);
        }
      }
      expect(kills).toBeGreaterThan(10);
    },
  );

  liveTest(
    'between list and drop-in: the plan tells it, and unreserve undoes it',
    { needs: ['root', 'strace'] },
    async (ns) => {
      const root = folder(ns);
      await setList(ns, '40000');
      const words = ['reserve', String(PORT), '--apply', '--yes', '--no-prove', '--config-root', root];
      expect(await killed(ns, words, 'rename', 2)).toBe(true);
      expect(await list(ns)).toBe(`40000,${PORT}`);
      expect(existsSync(dropIn(root))).toBe(false);
      const plan = await run(ns, root, `unreserve ${PORT}`);
      expect(plan.plan).toMatchObject({ refusal: null, remove: [[PORT, PORT]] });
      expect(plan.notes.find(({ kind }) => kind === 'unfinished')?.text).toContain(String(PORT));
      const done = await run(ns, root, `unreserve ${PORT} --apply --no-prove`);
      expect(done).toMatchObject({ code: 0, verified: true });
      expect(await list(ns)).toBe('40000');
      expect(Object.keys(tree(root)).filter((name) => name.includes('portolan'))).toEqual([]);
    },
  );

  liveTest('many at once, some of them killed: no entry is lost', { timeout: 180_000 }, async (ns) => {
    const root = folder(ns);
    await setList(ns, '40000');
    const ports = Array.from({ length: 10 }, (_, i) => 45_001 + 2 * i);
    const env = ['--apply', '--yes', '--no-prove', '--json', '--config-root', root];
    const codes = await Promise.all(
      ports.map((port, i) =>
        i % 2 === 0
          ? ns.run(process.execPath, [BIN, 'reserve', String(port), ...env])
          : ns.run('timeout', [
              '-s',
              'KILL',
              `0.${1 + i}`,
              process.execPath,
              BIN,
              'reserve',
              String(port),
              ...env,
            ]),
      ),
    );
    const done = ports.filter((_, i) => codes[i]?.code === 0);
    expect(done.length).toBeGreaterThanOrEqual(5);
    const last = await run(ns, root, 'reserve 46001 --apply --no-prove');
    expect(last).toMatchObject({ code: 0, verified: true });
    const now = (await list(ns)).split(',').map(Number);
    expect(now).toEqual(expect.arrayContaining([40_000, ...done, 46_001]));
    const value = /reserved_ports = (.*)/
      .exec(readFileSync(dropIn(root), 'utf8'))?.[1]
      ?.split(',')
      .map(Number);
    // What is in the list is remembered, all but what was there before.
    expect(value).toEqual(now.filter((port) => port !== 40_000));
    await run(ns, root, `unreserve 45001-46001 --apply --no-prove`);
    expect(await list(ns)).toBe('40000');
  });
});

describe('files of other hands', () => {
  liveTest(
    'bytes that are no UTF-8, rights and an end without a line feed stay',
    { needs: ['root'] },
    async (ns) => {
      const root = folder(ns);
      mkdirSync(join(root, 'etc', 'sysctl.d'), { recursive: true });
      const bytes = Buffer.from('# caf\xe9 \xff\xfe\nnet.core.somaxconn = 100', 'latin1');
      writeFileSync(dropIn(root), bytes);
      chmodSync(dropIn(root), 0o600);
      expect((await run(ns, root, `reserve ${PORT} --apply --no-prove`)).verified).toBe(true);
      const text = readFileSync(dropIn(root));
      expect(text.subarray(0, bytes.length)).toEqual(bytes);
      expect(statSync(dropIn(root)).mode & 0o777).toBe(0o600);
      expect((await run(ns, root, `unreserve ${PORT} --apply --no-prove`)).verified).toBe(true);
      expect(readFileSync(dropIn(root))).toEqual(bytes);
      expect(statSync(dropIn(root)).mode & 0o777).toBe(0o600);
    },
  );

  liveTest('a link in its place is left alone, whatever it leads to', {}, async (ns) => {
    const root = folder(ns);
    mkdirSync(join(root, 'etc', 'sysctl.d'), { recursive: true });
    writeFileSync(join(root, 'real.conf'), '# mine\n');
    for (const target of ['../../real.conf', '/dev/null', 'nowhere']) {
      rmSync(dropIn(root), { force: true });
      symlinkSync(target, dropIn(root));
      const answer = await run(ns, root, `reserve ${PORT} --apply --no-prove`);
      expect(answer, target).toMatchObject({ code: 1, plan: { refusal: 'drop-in-unreadable' } });
      expect(lstatSync(dropIn(root)).isSymbolicLink()).toBe(true);
      expect(await list(ns)).toBe('');
    }
    expect(readFileSync(join(root, 'real.conf'), 'utf8')).toBe('# mine\n');
  });

  liveTest('links of a copied system stay below --config-root', {}, async (ns) => {
    const root = folder(ns);
    const outside = mkdtempSync(join(tmpdir(), 'portolan-outside-'));
    ns.finally(() => rmSync(outside, { recursive: true, force: true }));
    writeFileSync(join(outside, '50-other.conf'), 'net.ipv4.ip_local_reserved_ports = 7777\n');
    mkdirSync(join(root, 'etc'));
    // Absolute links of that system: its folder is the one below the root, not this host's by the same name.
    symlinkSync(outside, join(root, 'etc', 'sysctl.d'));
    symlinkSync(outside, join(root, 'lib'));
    const answer = await run(ns, root, `reserve ${PORT} --apply --no-prove`);
    expect(answer).toMatchObject({ code: 0, verified: true });
    expect(answer.plan.boot?.before['systemd-sysctl'].ranges).toEqual([]);
    expect(readdirSync(outside)).toEqual(['50-other.conf']);
    expect(readdirSync(join(root, outside))).toEqual(['zz-portolan.conf']);
    expect((await run(ns, root, `unreserve ${PORT} --apply --no-prove`)).verified).toBe(true);
  });

  liveTest('a file where a folder should be fails clearly', {}, async (ns) => {
    const root = folder(ns);
    writeFileSync(join(root, 'etc'), 'no folder');
    const answer = await run(ns, root, `reserve ${PORT} --apply --no-prove`);
    expect(answer).toMatchObject({ code: 1, failure: { step: 'file', code: 'ENOTDIR' } });
    expect(await list(ns)).toBe('');
  });

  liveTest('what another file overrules is not said to hold at boot', {}, async (ns) => {
    const root = folder(ns);
    mkdirSync(join(root, 'etc', 'sysctl.d'), { recursive: true });
    writeFileSync(join(root, 'etc', 'sysctl.d', 'zzz.conf'), 'net.ipv4.ip_local_reserved_ports = 7000\n');
    const words = ['--apply', '--no-prove', '--config-root', root];
    const said = async (word: string, ports: string): Promise<string> =>
      (await ns.portolan([word, ports, ...words])).stdout.replace(/\s+/g, ' ');
    expect(await said('reserve', '60163,7000')).toMatch(
      /^Reserved: 2 ports \(7000, 60163\) are kept out of automatic choice now, but not all of it at boot\. /,
    );
    expect(await said('unreserve', '7000')).toMatch(
      /^Given back: port 7000 is in automatic choice again now, but not all of it at boot\. /,
    );
  });
});

/** Runs `reserve` on a terminal, types this at its question, and gives what it printed, exit code last. */
async function typed(ns: Namespace, root: string, answer: string): Promise<string> {
  const words = [
    scenario('terminal.py'),
    process.execPath,
    BIN,
    'reserve',
    String(PORT),
    '--apply',
    '--no-prove',
  ];
  const child = ns.background('python3', [...words, '--config-root', root]);
  let out = '';
  child.stdout?.on('data', (part: Buffer) => {
    const asked = out.includes('[y/N]');
    out += part.toString();
    if (!asked && out.includes('[y/N]')) child.stdin?.write(answer);
  });
  await new Promise((resolve) => child.once('close', resolve));
  return out;
}

describe('the question on a terminal', () => {
  liveTest('Ctrl-C, no and end of input change nothing; yes does', { needs: ['python3'] }, async (ns) => {
    const root = folder(ns);
    const before = tree(root);
    for (const [answer, code] of [
      ['\u0003', 130],
      ['n\r', 1],
      ['\r', 1],
      ['\u0004', 1],
    ] as const) {
      const out = await typed(ns, root, answer);
      expect(out).toMatch(new RegExp(`EXIT ${code}\\n$`));
      expect(out).toContain('This would keep port 60163 out of automatic choice; nothing is changed yet.');
      expect(await list(ns)).toBe('');
      expect(tree(root)).toEqual(before);
    }
    expect(await typed(ns, root, 'y\r')).toMatch(/Reserved: port 60163[^]*EXIT 0\n$/);
    expect(await list(ns)).toBe(String(PORT));
  });
});
