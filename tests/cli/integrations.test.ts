// What others run Portolan by: the GitHub Action, the pre-commit hook, the systemd unit. Each is parsed, and the commands
// it names are run as they are written, on a sample project.
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { SINGLE } from '../binary/launcher.ts';
import { environment, PROGRAM } from './program.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const temporary = mkdtempSync(join(tmpdir(), 'portolan-integrations-'));
afterAll(() => rmSync(temporary, { recursive: true, force: true }));

/** A project with one port that will collide, or with none. */
function sample(name: string, port: number): string {
  const folder = join(temporary, name);
  mkdirSync(folder);
  writeFileSync(
    join(folder, 'compose.yaml'),
    `services:\n  web:\n    image: web\n    ports: ["${port}:80"]\n`,
  );
  return folder;
}

interface Step {
  readonly id?: string;
  readonly name: string;
  readonly uses?: string;
  readonly if?: string;
  readonly shell?: string;
  readonly run?: string;
  readonly env?: Readonly<Record<string, string>>;
}

const action = parse(readFileSync(join(ROOT, 'action.yml'), 'utf8')) as {
  readonly inputs: Readonly<Record<string, { description: string; default: string }>>;
  readonly outputs: Readonly<Record<string, { value: string }>>;
  readonly runs: { using: string; steps: readonly Step[] };
};

/** Runs a step of the action as a runner does: expressions put into its variables, bash with -e and pipefail. */
function runStep(step: Step, folder: string, inputs: Readonly<Record<string, string>>) {
  const output = join(folder, '.output');
  writeFileSync(output, '');
  const given = (expression: string): string => {
    const [, name] = /^inputs\.(.+)$/.exec(expression) ?? [];
    if (name !== undefined) return inputs[name] ?? action.inputs[name]?.default ?? '';
    if (expression === 'github.action_path') return ROOT.replace(/\/$/, '');
    throw new Error(`an expression that is not known: ${expression}`);
  };
  const env = Object.fromEntries(
    Object.entries(step.env ?? {}).map(([name, text]) => [
      name,
      text.replace(/\$\{\{ (\S+) \}\}/g, (_, expression: string) => given(expression)),
    ]),
  );
  const ran = spawnSync('bash', ['--noprofile', '--norc', '-eo', 'pipefail', '-c', step.run ?? ''], {
    cwd: folder,
    env: environment({ ...env, GITHUB_OUTPUT: output }),
    encoding: 'utf8',
  });
  return { code: ran.status, err: ran.stderr, output: readFileSync(output, 'utf8') };
}

test('the action has only inputs and outputs that are there', () => {
  expect(action.runs.using).toBe('composite');
  const text = readFileSync(join(ROOT, 'action.yml'), 'utf8');
  const used = [...text.matchAll(/inputs\.([\w-]+)/g)].map(([, name]) => name);
  expect([...new Set(used)].toSorted()).toEqual(Object.keys(action.inputs).toSorted());
  for (const { description, default: value } of Object.values(action.inputs))
    expect([typeof description, typeof value]).toEqual(['string', 'string']);
  const written = [...text.matchAll(/echo "([\w-]+)=/g)].map(([, name]) => name ?? '');
  expect(Object.values(action.outputs).map(({ value }) => value)).toEqual(
    written.map((name) => `\${{ steps.audit.outputs.${name} }}`),
  );
  for (const step of action.runs.steps) {
    // Whatever an input holds never becomes part of a script.
    expect(step.run ?? '').not.toContain('${{');
    if (step.run !== undefined) expect(step.shell).toBe('bash');
    if (step.uses !== undefined) expect(step.uses).toMatch(/^(actions|github)\/[\w/-]+@v\d+$/);
  }
});

test('the action’s audit writes SARIF and says what was found', () => {
  const audit = action.runs.steps.find(({ id }) => id === 'audit');
  if (audit === undefined) throw new Error('no step audit');
  const bad = sample('action; touch owned', 54_321);
  const found = runStep(audit, bad, {});
  expect(found).toMatchObject({ code: 0, output: 'sarif-file=portolan.sarif\nfindings=true\n' });
  const sarif = JSON.parse(readFileSync(join(bad, 'portolan.sarif'), 'utf8')) as {
    version: string;
    runs: {
      results: {
        locations: {
          physicalLocation: { artifactLocation: { uri: string }; region: { startLine: number } };
        }[];
      }[];
    }[];
  };
  expect(sarif.version).toBe('2.1.0');
  const place = sarif.runs[0]?.results[0]?.locations[0]?.physicalLocation;
  expect(place).toMatchObject({ artifactLocation: { uri: 'compose.yaml' }, region: { startLine: 4 } });
  const good = sample('good', 7130);
  expect(runStep(audit, good, {})).toMatchObject({
    code: 0,
    output: 'sarif-file=portolan.sarif\nfindings=false\n',
  });
  // Paths are words, whatever stands in them; what is not there fails the step.
  expect(runStep(audit, good, { paths: 'compose.yaml\n$(touch owned)\n' }).code).toBe(2);
  expect(existsSync(join(good, 'owned'))).toBe(false);
  const known = runStep(audit, good, { profiles: 'xsan\n', 'sarif-file': 'other.sarif' });
  expect(known.code).toBe(0);
  expect(known.output).toMatch(/^sarif-file=other\.sarif\nfindings=(?:true|false)\n$/);
  expect(existsSync(join(good, 'other.sarif'))).toBe(true);
  expect(runStep(audit, good, { profiles: 'nosuch' }).code).toBe(2);
});

interface Hook {
  readonly id: string;
  readonly entry: string;
  readonly args: readonly string[];
  readonly language: string;
  readonly files: string;
  readonly require_serial: boolean;
}

const hooks = parse(readFileSync(join(ROOT, '.pre-commit-hooks.yaml'), 'utf8')) as readonly Hook[];

test('the pre-commit hook takes the files that audit knows by name', () => {
  expect(hooks).toHaveLength(1);
  const [hook] = hooks;
  const files = new RegExp(hook?.files ?? '^$');
  for (const name of [
    'compose.yaml',
    'a/docker-compose.prod.yml',
    'Procfile',
    'Procfile.dev',
    'package.json',
    '.env',
    'a/.env.local',
    'web.env',
    '.devcontainer/devcontainer.json',
    '.devcontainer.json',
    'units/web.service',
    'web.socket',
  ])
    expect([name, files.test(name)]).toEqual([name, true]);
  for (const name of ['README.md', 'composer.json', 'my-package.json', 'Procfiles', 'src/env.ts'])
    expect([name, files.test(name)]).toEqual([name, false]);
});

test('the pre-commit hook’s entry runs as pre-commit runs a script', () => {
  const [hook] = hooks;
  if (hook === undefined) throw new Error('no hook');
  expect(hook).toMatchObject({ language: 'script', require_serial: true });
  const [script = '', ...args] = hook.entry.split(' ');
  const file = join(ROOT, script);
  expect(statSync(file).mode & 0o111).toBe(0o111);
  const run = (cwd: string, ...more: readonly string[]) =>
    spawnSync(file, [...args, ...hook.args, ...more, 'compose.yaml'], {
      cwd,
      env: environment(),
      encoding: 'utf8',
    });
  const bad = run(sample('hook', 54_321));
  expect([bad.status, bad.stdout]).toEqual([1, expect.stringMatching(/compose\.yaml:4:\d+ +54321\/tcp/)]);
  expect(run(sample('hooked', 7130)).status).toBe(0);
  // A name that looks like a flag matches `files` too, and whoever sends a change chooses names.
  const odd = sample('odd', 54_321);
  writeFileSync(join(odd, '--write-baseline=known.env'), 'PORT=54322\n');
  expect(run(odd, '--write-baseline=known.env').status).toBe(1);
  expect(existsSync(join(odd, 'known.env'))).toBe(false);
});

test('what the manual says of the hook’s args ends with --', () => {
  const text = readFileSync(join(ROOT, 'docs', 'integrations.md'), 'utf8');
  expect(text).toMatch(/^ +args: \[.*, --\]/m);
});

const UNIT = join(ROOT, 'contrib', 'portolan-metrics.service');
const analyze =
  spawnSync('systemd-analyze', ['--version']).error === undefined ? null : 'systemd-analyze is not installed';
if (analyze !== null) process.stderr.write(`skipped: the systemd unit: ${analyze}\n`);

test.skipIf(analyze !== null)('systemd has nothing against the unit, and finds it well shut in', () => {
  const text = readFileSync(UNIT, 'utf8');
  const [, program = ''] = /^ExecStart=(\S+)/m.exec(text) ?? [];
  // Where Portolan and its manual are not installed, systemd would complain of that alone.
  const copy = join(temporary, 'portolan-metrics.service');
  writeFileSync(copy, text.replace(program, SINGLE ?? PROGRAM).replace(/^Documentation=.*\n/m, ''));
  const verified = spawnSync('systemd-analyze', ['verify', copy], { encoding: 'utf8' });
  expect([verified.status, verified.stderr]).toEqual([0, '']);
  const judged = spawnSync('systemd-analyze', ['security', '--offline=true', '--no-pager', copy], {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'] ?? '', LANG: 'C.UTF-8' },
  });
  const [, exposure] =
    /Overall exposure level for portolan-metrics\.service: ([\d.]+)/.exec(judged.stdout) ?? [];
  expect(Number(exposure)).toBeLessThanOrEqual(1.5);
});

test('the unit’s command is one that there is, and its port is bound nowhere else', () => {
  const text = readFileSync(UNIT, 'utf8');
  const [, words = '', port = ''] = /^ExecStart=\S+ (.* --metrics (\d+))$/m.exec(text) ?? [];
  expect(text).toContain(`SocketBindAllow=ipv4:tcp:${port}\n`);
  expect(text).toContain(`http://127.0.0.1:${port}/metrics`);
  const help = spawnSync(process.execPath, [PROGRAM, words.split(' ')[0] ?? '', '--help'], {
    encoding: 'utf8',
    env: environment(),
  });
  expect(help.stdout).toContain('--metrics');
  cpSync(UNIT, join(temporary, 'audited.service'));
  const audited = spawnSync(process.execPath, [PROGRAM, 'audit', join(temporary, 'audited.service')], {
    encoding: 'utf8',
    env: environment(),
  });
  expect([audited.status, audited.stdout]).toEqual([0, expect.stringContaining('Nothing found')]);
});
