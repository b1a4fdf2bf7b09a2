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

describe('a value of the wrong type is told by name, before anything is done', () => {
  const calls: [string, (library: Library) => unknown][] = [
    ['the name is a string, not undefined', ({ lease }) => lease(undefined as never)],
    ['the name is a string, not 1', ({ lease }) => lease(1 as never)],
    ['project is a string, not 5', ({ lease }) => lease('web', { project: 5 as never })],
    ['the options are an object, not null', ({ lease }) => lease('web', null as never)],
    ['transport is "tcp" or "udp", not "sctp"', ({ lease }) => lease('web', { transport: 'sctp' as never })],
    ['near is a number, not "7000"', ({ pick }) => pick({ near: '7000' as never })],
    ['alone', ({ pick }) => pick({ transports: ['sctp' as never] })],
    ['transports is an array', ({ pick }) => pick({ transports: 'tcp' as never })],
    ['name is a string, not 3', ({ pick }) => pick({ name: 3 as never })],
    ['the options are an object, not 5', ({ pick }) => pick(5 as never)],
    ['exclude is an array, a set', ({ getPort }) => getPort({ exclude: 5 as never })],
    ['exclude has numbers of ports alone, not "80"', ({ getPort }) => getPort({ exclude: ['80' as never] })],
    ['exclude has numbers of ports alone, not 1.5', ({ pick }) => pick({ exclude: [1.5] })],
    ['host is a string, not 5', ({ getPort }) => getPort({ host: 5 as never })],
    ['port is a number or an iterable', ({ getPort }) => getPort({ port: 'x' as never })],
    ['address is a string, not 5', ({ why }) => why(80, { address: 5 as never })],
    ['signal is an AbortSignal', ({ explain }) => explain(80, { signal: {} as never })],
    ['transports is an array', ({ snapshot }) => snapshot({ transports: [] })],
    ['ports is a run of ports', ({ watch }) => watch({ ports: 5 as never })],
    [
      'files is an array of strings, not "compose.yaml"',
      ({ audit }) => audit({ files: 'compose.yaml' as never }),
    ],
    ['sample is a number', ({ ephemeral }) => ephemeral({ sample: '5' as never })],
    ['ports are a number', ({ reserve }) => reserve(undefined as never)],
    ['ports are a number', ({ unreserve }) => unreserve('80' as never)],
    ['apply is true or false, not 1', ({ reserve }) => reserve(80, { apply: 1 as never })],
    ['the query is a string', ({ search }) => search(5 as never)],
  ];
  test.each(calls)('%s', async (words, call) => {
    const failed: unknown = await (async () => call(library))().then(
      () => null,
      (error: unknown) => error,
    );
    expect(failed).toBeInstanceOf(TypeError);
    expect((failed as Error).message).toContain(words);
  });
});
