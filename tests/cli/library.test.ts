// The built library: the program's answers as values; nothing printed, nothing kept open.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openMachine } from '../../fixtures/archive.ts';
import { checked, PACKAGE, portolan } from './program.ts';

type Library = typeof import('../../packages/portolan/src/index.ts');
let library: Library;
let machine: { root: string; remove: () => void };
beforeAll(async () => {
  library = (await import(pathToFileURL(join(PACKAGE, 'dist/index.js')).href)) as Library;
  machine = openMachine('busy-server');
});
afterAll(() => machine.remove());

describe('explain', () => {
  test('is what the program prints', async () => {
    const value = await library.explain(80, { procRoot: machine.root });
    const printed = checked<object>((await portolan(['80', '--json', '--procfs-root', machine.root])).out);
    expect(JSON.parse(JSON.stringify(value))).toEqual(printed);
  });
  test.each([-1, 65_536, 1.5, Number.NaN])('%d is no port', async (port) => {
    await expect(library.explain(port)).rejects.toThrow(RangeError);
  });
  test('transports can be chosen', async () => {
    const value = await library.explain(60_163, { transports: ['udp'], procRoot: machine.root });
    expect(value.transports).toEqual(['udp']);
    expect(
      value.claims.every((claim) => claim.transports.length === 0 || claim.transports.includes('udp')),
    ).toBe(true);
  });
  test('an aborted signal rejects', async () => {
    await expect(library.explain(80, { signal: AbortSignal.abort() })).rejects.toThrow(/abort/i);
  });
  test('many at once leave no file open', async () => {
    const open = (): number => (process.platform === 'linux' ? readdirSync('/proc/self/fd').length : 0);
    await library.explain(80);
    const before = open();
    await Promise.all(Array.from({ length: 40 }, (_, i) => library.explain(i)));
    expect(open()).toBeLessThanOrEqual(before + 1);
  });
});

test('snapshot: the sockets of a recorded machine', async () => {
  const seen = await library.snapshot({ procRoot: machine.root });
  expect(seen.sockets).toHaveLength(8);
  const ownerless = seen.sockets.filter((socket) => socket.inode !== 0 && socket.owners.length === 0);
  expect(ownerless.map((socket) => socket.local.port)).toEqual([51_820, 51_820]);
});

test('search: claims, best first', () => {
  const found = library.search('xsan');
  expect(found.length).toBeGreaterThan(0);
  expect(found.some((claim) => claim.product === 'Xsan')).toBe(true);
  expect(library.search('zzqqxx')).toEqual([]);
});
