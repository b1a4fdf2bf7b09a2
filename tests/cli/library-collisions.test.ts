// The library's audit(), ephemeral(), reserve() and unreserve(): what the program prints, as values, and what they refuse.
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openMachine } from '../../fixtures/archive.ts';
import { SINGLE } from '../binary/launcher.ts';
import { checked, PACKAGE, portolan } from './program.ts';

type Library = typeof import('../../packages/portolan/src/index.ts');
let library: Library;
let machine: { root: string; remove: () => void };
const folder = mkdtempSync(join(tmpdir(), 'portolan-collisions-'));
beforeAll(async () => {
  library = (await import(pathToFileURL(join(PACKAGE, 'dist/index.js')).href)) as Library;
  machine = openMachine('busy-server');
  writeFileSync(join(folder, 'compose.yaml'), 'services: {web: {build: ., ports: ["54321:80"]}}\n');
});
afterAll(() => {
  machine.remove();
  rmSync(folder, { recursive: true, force: true });
});

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
const aborted = AbortSignal.abort();

describe('audit', () => {
  // A single file is called by another name in remedies.
  test.skipIf(SINGLE !== null)('is what the program prints', async () => {
    const file = join(folder, 'compose.yaml');
    const found = checked<object>(
      JSON.stringify(await library.audit({ files: [file], procRoot: machine.root })),
    );
    const printed = await portolan(['audit', file, '--json', '--procfs-root', machine.root]);
    expect(printed.code).toBe(1);
    expect(found).toEqual(checked<object>(printed.out));
  });

  test('of a folder, with places relative to it; a profile; a baseline', async () => {
    const { findings } = await library.audit({ files: ['.'], cwd: folder, procRoot: machine.root });
    expect(findings.map(({ where, port }) => [where.file, port])).toContainEqual(['compose.yaml', 54_321]);
    const known = findings.map(({ fingerprint }) => ({ finding: fingerprint, reason: 'moved soon' }));
    const baseline = join(folder, 'known.json');
    writeFileSync(baseline, JSON.stringify({ format: 'portolan.audit-baseline/1', known }));
    const after = await library.audit({ files: ['.'], cwd: folder, procRoot: machine.root, baseline });
    expect([after.findings.length, after.silenced.length]).toEqual([0, findings.length]);
    const profile = await library.audit({ profiles: ['wireguard'], procRoot: machine.root });
    expect(profile.looked.profiles).toEqual(['wireguard']);
  });

  test('refuses what is not there, and ends when told', async () => {
    await expect(library.audit({ files: ['gone.yaml'] })).rejects.toMatchObject({ code: 'USAGE' });
    await expect(library.audit({ profiles: ['nothing'] })).rejects.toMatchObject({ code: 'USAGE' });
    await expect(library.audit({ configRoot: 'gone' })).rejects.toMatchObject({ code: 'USAGE' });
    await expect(library.audit({ signal: aborted })).rejects.toThrow(/abort/i);
  });
});

describe('ephemeral', () => {
  test('is what the program prints', async () => {
    const found = await library.ephemeral({ procRoot: machine.root });
    const printed = (await portolan(['ephemeral', '--json', '--procfs-root', machine.root])).out;
    expect(plain(found)).toEqual(checked<object>(printed));
  });

  test('of this host, with and without a rate', async () => {
    const once = checked<{ rate: unknown }>(JSON.stringify(await library.ephemeral({ intervalMs: null })));
    expect(once.rate).toBeNull();
    checked<object>(JSON.stringify(await library.ephemeral({ intervalMs: 100 })));
  });

  test('refuses what is none, and ends when told, in its pause as well', async () => {
    await expect(library.ephemeral({ intervalMs: 99 })).rejects.toThrow(RangeError);
    await expect(library.ephemeral({ intervalMs: Number.NaN })).rejects.toThrow(RangeError);
    await expect(library.ephemeral({ sample: 1 })).rejects.toThrow(RangeError);
    await expect(library.ephemeral({ sample: 100, procRoot: machine.root })).rejects.toThrow(TypeError);
    await expect(library.ephemeral({ signal: aborted })).rejects.toThrow(/abort/i);
    const signal = AbortSignal.timeout(300);
    await expect(library.ephemeral({ intervalMs: 60_000, signal })).rejects.toThrow(/abort/i);
  });
});

describe('reserve and unreserve', () => {
  const root = join(folder);
  test.skipIf(process.platform !== 'linux')('plan what the program plans, and change nothing', async () => {
    const before = readdirSync(root);
    const found = await library.reserve([60_163, [7000, 7010]], { configRoot: root });
    const printed = checked<{ plan: object }>(
      (await portolan(['reserve', '60163,7000-7010', '--json', '--config-root', root])).out,
    );
    checked<object>(JSON.stringify(found));
    const { commands, undo, ...plan } = found.plan;
    expect(commands.join()).toContain('portolan reserve 7000-7010,60163 --apply');
    expect(undo).toHaveLength(1);
    expect(printed.plan).toMatchObject(plan);
    expect(found).toMatchObject({ action: 'reserve', applied: false, verified: null });
    expect((await library.unreserve(60_163, { configRoot: root })).action).toBe('unreserve');
    expect(readdirSync(root)).toEqual(before);
  });

  test('refuse what is no port or folder, and end when told', async () => {
    for (const wrong of [0, 65_536, 1.5, [], [[2, 1]], [0]] as const) {
      await expect(library.reserve(wrong as number)).rejects.toThrow(RangeError);
    }
    await expect(library.reserve(60_163, { configRoot: 'gone' })).rejects.toMatchObject({ code: 'USAGE' });
    await expect(library.unreserve(60_163, { apply: true, signal: aborted })).rejects.toThrow(/abort/i);
  });
});
