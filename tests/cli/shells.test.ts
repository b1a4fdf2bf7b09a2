// `portolan completion`, the hidden `complete`, and the manual, as they were built.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { copyProgram, expectTold, PACKAGE, portolan } from './program.ts';

const temporary = mkdtempSync(join(tmpdir(), 'portolan-shells-'));
afterAll(() => rmSync(temporary, { recursive: true, force: true }));

const MANUAL = join(PACKAGE, 'dist', 'portolan.1');

/** A test that is skipped, with the reason, where a program is missing. */
function withTool(tool: string, name: string, body: () => void | Promise<void>): void {
  const missing = spawnSync(tool, ['--version']).error !== undefined;
  if (missing) process.stderr.write(`skipped: ${name}: ${tool} is not installed\n`);
  test.skipIf(missing)(missing ? `${name} (skipped: ${tool} is not installed)` : name, body);
}

test('completion tells what shells there are', async () => {
  expectTold(await portolan(['completion']), 2, /A shell is missing.*bash, zsh, fish, powershell/);
  expectTold(await portolan(['completion', 'tcsh']), 2, /no completions for “tcsh”/);
  expectTold(await portolan(['completion', 'bash', 'zsh']), 2, /One shell/);
  expectTold(await portolan(['completion', 'bash', '--json']), 2, /no JSON/);
});

for (const shell of ['bash', 'zsh', 'fish']) {
  withTool(shell, `${shell} reads its script without complaint`, async () => {
    const { out, code } = await portolan(['completion', shell]);
    expect(code).toBe(0);
    const script = join(temporary, `script.${shell}`);
    writeFileSync(script, out);
    const { status, stderr } = spawnSync(shell, ['-n', script], { encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });
}

test('complete gives words with what they are, and is in no help', async () => {
  const services = await portolan(['complete', '--', 'who', 'postgresq']);
  expect(services.out).toMatch(/^postgresql\t5432\/tcp/);
  const transports = await portolan(['complete', '--', 'who', ':5432/']);
  expect(transports.out).toBe(':5432/tcp\n:5432/udp\n');
  const profiles = await portolan(['complete', '--', 'audit', '--profile', 'xs']);
  expect(profiles.out).toMatch(/^xsan\t/);
  expect((await portolan(['--help'])).out).not.toMatch(/portolan complete /);
});

test('complete is silent whatever goes wrong', async () => {
  const nothing = { code: 0, out: '', err: '' };
  for (const words of [
    [],
    ['who'],
    ['who', 'x'.repeat(100_000)],
    ['who', '\u0000'.slice(1)],
    ['who', '999999'],
    ['who', '00'],
    ['nosuch', 'a', 'b'],
    ['--port=', ''],
    ['run', 'x', '--', ''],
  ]) {
    const { code, err } = await portolan(['complete', '--', ...words]);
    expect({ words: words.map((word) => word.slice(0, 9)), code, err }).toEqual({
      words: words.map((word) => word.slice(0, 9)),
      code: 0,
      err: '',
    });
  }
  const bare = copyProgram(join(temporary, 'bare'), (path) => !path.endsWith('/dist/facts'));
  expect(await portolan(['complete', '--', 'who', 'postg'], { program: bare })).toEqual(nothing);
  expect(
    await portolan(['complete', '--', 'release', ''], { env: { PORTOLAN_LEASE_DIR: 'relative' } }),
  ).toEqual(nothing);
});

test('the manual has every command, every flag and every example', async () => {
  const page = readFileSync(MANUAL, 'utf8').replaceAll('\\-', '-').replaceAll('\\&', '');
  const help = await portolan(['--help']);
  const commands = [...help.out.matchAll(/^ {2}portolan (\w+)/gm)].map(([, name]) => name ?? '');
  expect(commands.length).toBeGreaterThan(15);
  for (const name of commands.filter((word) => word !== 'PORT')) {
    expect(page).toMatch(new RegExp(`^\\.It Cm ${name}\\b`, 'm'));
    const { out } = await portolan([name, '--help']);
    for (const [, flag] of out.matchAll(/^ {2}(?:-\w, )?--([\w-]+)/gm))
      expect(page, `${name} --${flag}`).toContain(`Fl Fl ${flag}`);
    const examples = out.slice(out.indexOf('Examples:')).matchAll(/^ {2}(\S.*)$/gm);
    for (const [, example] of examples)
      if (!/^[\w ]*\d/.test(example ?? '') && example?.includes('portolan') && !/[~’]/.test(example))
        expect(page).toContain(example);
  }
  const { man } = JSON.parse(readFileSync(join(PACKAGE, 'package.json'), 'utf8')) as { man: string[] };
  // npm links manuals of a list alone.
  expect(man.map((path) => join(PACKAGE, path))).toEqual([MANUAL]);
});

withTool('mandoc', 'mandoc finds no fault in the manual', () => {
  const { stdout } = spawnSync('mandoc', ['-Tlint', '-Wwarning', MANUAL], { encoding: 'utf8' });
  // A system whose list of manuals is not made, or has not those that are referred to, says so; that is none of the page.
  const faults = stdout
    .split('\n')
    .filter((line) => line !== '' && !/outdated mandoc.db|referenced manual not found/.test(line));
  expect(faults).toEqual([]);
});

withTool('groff', 'groff sets the manual without warnings', () => {
  const { stderr, status } = spawnSync('groff', ['-mandoc', '-ww', '-z', '-Kutf8', '-Tutf8', MANUAL], {
    encoding: 'utf8',
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
});

withTool('man', 'man shows the manual', () => {
  const { stdout, stderr } = spawnSync('man', ['-l', MANUAL], {
    encoding: 'utf8',
    env: {
      PATH: process.env['PATH'] ?? '',
      MANWIDTH: '80',
      LANG: 'C.UTF-8',
      MANROFFOPT: '-c',
      MAN_KEEP_FORMATTING: '0',
    },
  });
  expect(stderr).toBe('');
  expect(stdout.replace(/.\u0008/g, '')).toMatch(/portolan — what every network port is for/);
});
