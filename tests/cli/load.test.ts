// How much `--version` and a port load: counted in modules, because time is measured elsewhere.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { SINGLE } from '../binary/launcher.ts';
import { copyProgram, PACKAGE, portolan } from './program.ts';

const temporary = mkdtempSync(join(tmpdir(), 'portolan-load-'));
afterAll(() => rmSync(temporary, { recursive: true, force: true }));

/** Files of ours (and of packages) that a run loads, by V8's own coverage. */
async function loadedBy(name: string, args: readonly string[]): Promise<string[]> {
  const folder = join(temporary, name);
  const { code } = await portolan(args, { env: { NODE_V8_COVERAGE: folder } });
  expect(code).toBe(0);
  return readdirSync(folder).flatMap((file) => {
    const { result } = JSON.parse(readFileSync(join(folder, file), 'utf8')) as { result: { url: string }[] };
    return result.map(({ url }) => url).filter((url) => url.startsWith('file:'));
  });
}

/** Native libraries that a run has mapped when it ends. */
async function nativeOf(args: readonly string[]): Promise<string[]> {
  const hook = `data:text/javascript,process.on('exit',()=>process._rawDebug('LIBS '+JSON.stringify(process.report.getReport().sharedObjects)))`;
  const { err } = await portolan(args, { node: ['--import', hook] });
  return JSON.parse(/LIBS (.*)/.exec(err)?.[1] ?? 'null') as string[];
}

// A single file loads no files of modules, and native code is its runtime's own.
test.skipIf(SINGLE !== null)('--version loads a handful of modules', async () => {
  const files = await loadedBy('version', ['--version']);
  console.info(`--version loads ${files.length} files`);
  expect(files.length).toBeGreaterThan(0);
  // Measured: 4 (program, core, errors, the command's words).
  expect(files.length).toBeLessThanOrEqual(6);
});

test('--version says the version of the package', async () => {
  const { version } = JSON.parse(readFileSync(join(PACKAGE, 'package.json'), 'utf8')) as { version: string };
  expect(await portolan(['--version'])).toEqual({ code: 0, out: `portolan ${version}\n`, err: '' });
});

test.skipIf(SINGLE !== null)('--version and --help load no native code; a port does', async () => {
  expect((await nativeOf(['--version'])).filter((path) => path.endsWith('.node'))).toEqual([]);
  expect((await nativeOf(['--help'])).filter((path) => path.endsWith('.node'))).toEqual([]);
  expect((await nativeOf(['80', '--no-ffi'])).filter((path) => path.endsWith('.node'))).toEqual([]);
  // The check can fail: where koffi is installed it is seen.
  if (process.platform === 'linux' && process.arch === 'x64')
    expect((await nativeOf(['80'])).some((path) => path.includes('koffi'))).toBe(true);
});

test('--version and --help need no facts', async () => {
  const program = copyProgram(join(temporary, 'bare'), (path) => !path.endsWith('/dist/facts'));
  expect((await portolan(['--version'], { program })).code).toBe(0);
  expect((await portolan(['--help'], { program })).code).toBe(0);
  expect((await portolan(['who', '--help'], { program })).code).toBe(0);
  expect((await portolan(['80'], { program })).code).toBe(3);
});

test.skipIf(SINGLE !== null)(
  'asking for a port loads neither the XML parser nor the code of updates',
  async () => {
    const files = await loadedBy('port', ['60163']);
    console.info(`60163 loads ${files.length} files`);
    expect(files.length).toBeLessThanOrEqual(20);
    for (const file of files) {
      const text = readFileSync(new URL(file), 'utf8');
      expect(text.includes('SaxesParser'), file).toBe(false);
    }
  },
);

test.skipIf(SINGLE !== null)(
  'who, list and a port load none of the modules of Node that take long',
  async () => {
    const hook = `data:text/javascript,process.on('exit',()=>process._rawDebug('BUILTIN '+JSON.stringify(process.moduleLoadList)))`;
    const loadedFor = async (args: readonly string[]): Promise<string[]> => {
      const { err } = await portolan(args, { node: ['--import', hook] });
      const list = JSON.parse(/BUILTIN (.*)/.exec(err)?.[1] ?? 'null') as string[];
      return list.map((name) => name.replace(/^NativeModule /, ''));
    };
    for (const args of [['who', '60163'], ['list', '--json'], ['60163']]) {
      const names = await loadedFor(args);
      expect(names).toContain('fs');
      // Others may be needed, for rules that redirect or for containers, where the host has some.
      for (const slow of ['crypto', 'tty', 'readline'])
        expect(names, `${args.join(' ')} loads ${slow}`).not.toContain(slow);
    }
  },
);
