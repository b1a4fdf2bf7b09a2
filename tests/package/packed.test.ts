// The four packages as npm would publish them, unpacked into an empty project: program, library and types.
import { execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..', '..');
const PACKAGES = ['core', 'facts', 'probe', 'portolan'];

describe('the packed packages', () => {
  const project = mkdtempSync(join(tmpdir(), 'portolan-packed-'));
  const modules = join(project, 'node_modules');
  const env = { ...process.env, PORTOLAN_DATA_DIR: join(project, 'data') };

  beforeAll(() => {
    mkdirSync(join(modules, '@portolan'), { recursive: true });
    for (const name of PACKAGES) {
      execFileSync('npm', ['pack', '--silent', '--pack-destination', project], {
        cwd: join(ROOT, 'packages', name),
        stdio: 'ignore',
      });
      const file = name === 'portolan' ? /^portolan-\d/ : new RegExp(`^portolan-${name}-\\d`);
      const tarball = readdirSync(project).find((entry) => file.test(entry));
      if (tarball === undefined) throw new Error(`npm pack left no tarball of ${name}`);
      const target = name === 'portolan' ? join(modules, name) : join(modules, '@portolan', name);
      mkdirSync(target, { recursive: true });
      execFileSync('tar', ['xzf', join(project, tarball), '-C', target, '--strip-components=1']);
    }
    // What npm would install beside them; linked, so that the test needs no network.
    for (const name of [
      'koffi',
      '@koromix',
      'saxes',
      'xmlchars',
      'get-east-asian-width',
      'fastest-levenshtein',
    ]) {
      const places = [ROOT, ...PACKAGES.map((owner) => join(ROOT, 'packages', owner))];
      const place = places
        .map((folder) => join(folder, 'node_modules', name))
        .find((path) => existsSync(path));
      if (place === undefined) throw new Error(`${name} is not installed`);
      symlinkSync(place, join(modules, name));
    }
    writeFileSync(join(project, 'package.json'), '{ "type": "module" }');
  });

  afterAll(() => rmSync(project, { recursive: true, force: true }));

  it('hold a program that answers from the packed facts', () => {
    const run = spawnSync(
      process.execPath,
      [join(modules, 'portolan', 'dist', 'bin.cjs'), '5432', '--json'],
      {
        cwd: project,
        env,
        encoding: 'utf8',
      },
    );
    expect(run.stderr).toBe('');
    expect(run.status).toBe(0);
    const report = JSON.parse(run.stdout) as { format: string; claims: { service: string }[] };
    expect(report.format).toBe('portolan.report/1');
    expect(report.claims.map((claim) => claim.service)).toContain('postgresql');
  });

  it('hold a manual that npm links: it takes no text, only a list', () => {
    const text = readFileSync(join(modules, 'portolan', 'package.json'), 'utf8');
    const { man } = JSON.parse(text) as { man: string[] };
    expect(man).toEqual([expect.stringMatching(/\.1$/)]);
    expect(readFileSync(join(modules, 'portolan', man[0] ?? ''), 'utf8')).toMatch(/^\.Dt PORTOLAN 1/m);
  });

  it('hold a library that can be imported, and its schema', () => {
    writeFileSync(
      join(project, 'use.mjs'),
      [
        "import { createRequire } from 'node:module';",
        "import { explain, search, snapshot } from 'portolan';",
        "import { parsePortQuery } from '@portolan/core';",
        "const schema = createRequire(import.meta.url)('portolan/schema/v1.json');",
        'const report = await explain(60163);',
        'const seen = await snapshot();',
        "console.log(JSON.stringify({ range: report.range.name, found: search('xsan').length > 0,",
        "  sockets: Array.isArray(seen.sockets), query: parsePortQuery(':3000').ok, schema: schema.$id }));",
      ].join('\n'),
    );
    const run = spawnSync(process.execPath, ['use.mjs'], { cwd: project, env, encoding: 'utf8' });
    expect(run.stderr).toBe('');
    expect(JSON.parse(run.stdout)).toEqual({
      range: 'dynamic',
      found: true,
      sockets: true,
      query: true,
      schema: 'https://portolan.example/schema/v1.json',
    });
  });

  it('hold types that a strict consumer can use', () => {
    writeFileSync(
      join(project, 'use.ts'),
      [
        "import { explain, lease, type ReportV1, type Snapshot, snapshot } from 'portolan';",
        "export const port: Promise<number> = lease('web').then((leased) => leased.port);",
        'export const report: Promise<ReportV1> = explain(80);',
        'export const seen: Promise<Snapshot> = snapshot();',
        "export const verdict: Promise<'held' | 'free' | 'unknown'> = report.then((answer) => answer.use.verdict);",
        '// @ts-expect-error: a port is a number',
        "void explain('80');",
      ].join('\n'),
    );
    const tsc = join(ROOT, 'node_modules', '.bin', 'tsc');
    const options = [
      '--noEmit',
      '--strict',
      '--module',
      'nodenext',
      '--target',
      'es2023',
      '--types',
      '',
      'use.ts',
    ];
    const run = spawnSync(tsc, options, { cwd: project, encoding: 'utf8' });
    expect(run.stdout).toBe('');
    expect(run.status).toBe(0);
  });
});
