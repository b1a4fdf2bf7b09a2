// Programs that cannot listen, with and without the hook: the answer stands under the error, and nothing else is changed.
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { held, makeProject, type Project, type Ran } from './listening-place.ts';
import { checked, PACKAGE } from './program.ts';

let project: Project;
let taken: { port: number; close(): void };
beforeAll(async () => {
  project = makeProject(['vite', 'vitest']);
  taken = await held();
});
afterAll(() => {
  taken.close();
  project.remove();
});

const answer = (): RegExp => new RegExp(`${taken.port}/tcp cannot be bound here: node.*pid ${process.pid}`);

/** What Node prints of the bare error stands in the other output as well, in the same order; a comma may follow. */
function expectKept({ bare, hooked }: { bare: Ran; hooked: Ran }): void {
  expect(hooked.code).toBe(bare.code);
  expect(hooked.out).toBe(bare.out);
  const lines = hooked.err.split('\n').map((line) => line.replace(/,$/, ''));
  let at = 0;
  for (const line of bare.err.split('\n').map((each) => each.replace(/,$/, ''))) {
    const found = lines.indexOf(line, at);
    expect(found, `“${line}” in ${hooked.err}`).toBeGreaterThanOrEqual(at);
    at = found + 1;
  }
}

const listen = (rest: string): string =>
  `import { createServer } from 'node:net'; import * as http from 'node:http'; const port = ${taken.port}; console.log('begins');\n${rest}`;

describe('portolan/register', () => {
  test.each([
    ['a server of node:net', () => "createServer().listen(port, '127.0.0.1');"],
    ['a server of node:http on every address', () => 'http.createServer().listen(port);'],
    [
      'a rejected promise',
      () =>
        "import { once } from 'node:events'; const s = createServer(); s.listen(port, '127.0.0.1'); await once(s, 'listening');",
    ],
    [
      'an error that has it as its cause',
      () =>
        "createServer().on('error', (cause) => { throw new Error('cannot start', { cause }); }).listen(port, '127.0.0.1');",
    ],
  ])('%s: the answer stands under the bare error', async (_name, program) => {
    const both = await project.both(listen(program()));
    expect(both.bare.code).toBe(1);
    expect(both.bare.err).toMatch(/EADDRINUSE/);
    expect(both.bare.err).not.toMatch(/cannot be bound here/);
    expectKept(both);
    expect(both.hooked.err).toMatch(answer());
    expect(both.hooked.err.match(/cannot be bound here/g)).toHaveLength(1);
    expect(both.hooked.err.indexOf('cannot be bound here')).toBeGreaterThan(
      both.hooked.err.indexOf('port: '),
    );
  });
  test('it comes after all that is told of the error', async () => {
    const { hooked } = await project.both(listen("createServer().listen(port, '127.0.0.1');"));
    const at = (text: string): number => hooked.err.indexOf(text);
    expect(at(`port: ${taken.port}`)).toBeGreaterThan(at("code: 'EADDRINUSE'"));
    expect(at('cannot be bound here')).toBeGreaterThan(at(`port: ${taken.port}`));
  });
  test('a datagram socket', async () => {
    const both = await project.both(
      `import dgram from 'node:dgram';
       const one = dgram.createSocket('udp4'); one.bind(0, '127.0.0.1', () => dgram.createSocket('udp4').bind(one.address().port, '127.0.0.1'));`,
    );
    expect(both.hooked.code).toBe(1);
    expect(both.hooked.err).toMatch(/bind EADDRINUSE[\s\S]*\/udp cannot be bound here: node/);
  });
  test.each([
    [
      'a worker of a cluster',
      () =>
        "import cluster from 'node:cluster'; if (cluster.isPrimary) cluster.fork().on('exit', (code) => { process.exitCode = code; }); else createServer().listen(port, '127.0.0.1');",
    ],
    [
      'a client that asked for its own port',
      () =>
        "import { connect } from 'node:net'; createServer().listen(0, '127.0.0.1', function () { connect({ host: '127.0.0.1', port: this.address().port, localAddress: '127.0.0.1', localPort: port }); });",
    ],
  ])('%s fails at bind, and is told of TCP', async (_name, program) => {
    const both = await project.both(listen(program()));
    expect(both.bare.err).toMatch(/bind EADDRINUSE/);
    expect(both.hooked.code).toBe(1);
    expectKept(both);
    expect(both.hooked.err).toMatch(answer());
    expect(both.hooked.err).not.toMatch(/\/udp/);
  });
  test('an address that is not here', async () => {
    const both = await project.both(listen("createServer().listen(port, '192.0.2.1');"));
    expectKept(both);
    expect(both.hooked.err).toMatch(/EADDRNOTAVAIL[\s\S]*cannot be bound[\s\S]*192\.0\.2\.1/);
  });
  test('a program that says so itself and ends: the answer comes after its own words', async () => {
    const both = await project.both(
      listen(
        `process.on('exit', () => console.error('last words'));
         createServer().on('error', (error) => { console.error('cannot start:', error.code); process.exit(3); }).listen(port, '127.0.0.1');`,
      ),
    );
    expect(both.bare).toEqual({ code: 3, out: 'begins\n', err: 'cannot start: EADDRINUSE\nlast words\n' });
    expect(both.hooked).toMatchObject({ code: 3, out: 'begins\n' });
    expect(both.hooked.err.startsWith(both.bare.err)).toBe(true);
    expect(both.hooked.err).toMatch(answer());
  });
  test.each([
    [
      'goes to the next port',
      "const s = createServer().on('error', () => s.listen(0, () => { console.log('listens'); s.close(() => process.exit(1)); })).listen(port, '127.0.0.1');",
    ],
    ['does without', "createServer().on('error', () => console.log('without')).listen(port, '127.0.0.1');"],
    [
      'handles all that nobody handles',
      "process.on('uncaughtException', (error, origin) => console.log(origin, Object.keys(error), error.cause)); createServer().listen(port, '127.0.0.1');",
    ],
    ['fails for another reason', "import { readFileSync } from 'node:fs'; readFileSync('no/such/file');"],
    ['throws what is no error', 'throw null;'],
    [
      'throws an error with traps',
      "throw Object.defineProperty(new Error('trap'), 'code', { get() { throw new Error('inner'); } });",
    ],
    ['listens, and ends', 'createServer().listen(0, function () { this.close(); });'],
    ['fails on a path', "createServer().listen('no/such/folder/socket');"],
    [
      'has a worker',
      "import { Worker } from 'node:worker_threads'; new Worker('0', { eval: true }).on('exit', (code) => console.log(code));",
    ],
  ])('a program that %s is not changed by a byte', async (_name, program) => {
    const { bare, hooked } = await project.both(listen(program));
    expect(hooked).toEqual(bare);
  });
  test('an error that cannot be added to is told before it, unchanged', async () => {
    const both = await project.both(
      listen(
        "createServer().on('error', (error) => { throw Object.freeze(error); }).listen(port, '127.0.0.1');",
      ),
    );
    expect(both.hooked.code).toBe(both.bare.code);
    expect(both.hooked.err.endsWith(both.bare.err)).toBe(true);
    expect(both.hooked.err).toMatch(answer());
  });
  test('without permission to look, that is said', async () => {
    const path = project.file('confined.mjs', listen("createServer().listen(port, '127.0.0.1');"));
    const confined = ['--experimental-permission', '--allow-fs-read=*', '--no-warnings'];
    const { code, err } = await project.node([...confined, '--import', 'portolan/register', path]);
    expect(code).toBe(1);
    expect(err).toMatch(/EADDRINUSE[\s\S]*could not be looked at[\s\S]*portolan why/);
  });
  test('it comes by NODE_OPTIONS too, and asks no second time', async () => {
    const path = project.file('options.mjs', listen("createServer().listen(port, '127.0.0.1');"));
    const { code, err } = await project.node([path], { NODE_OPTIONS: '--import portolan/register' });
    expect(code).toBe(1);
    expect(err).toMatch(answer());
  });
});

describe('explainListenError', () => {
  type Library = typeof import('../../packages/portolan/src/index.ts');
  let library: Library;
  beforeAll(async () => {
    library = (await import(pathToFileURL(join(PACKAGE, 'dist/index.js')).href)) as Library;
  });
  test('the error of a real server', async () => {
    const server = createServer().listen(taken.port, '127.0.0.1');
    const [error] = (await once(server, 'error')) as [Error];
    const told = await library.explainListenError(error);
    expect(told?.text).toMatch(answer());
    // The shell that it is copied into has no portolan on its PATH.
    expect(told?.text).toMatch(/\/dist\/bin\.cjs kill \d/);
    expect(checked(JSON.stringify(told?.why))).toMatchObject({ port: taken.port, bindable: false });
    expect((await library.explainListenError(new AggregateError([error])))?.why?.port).toBe(taken.port);
    expect(Object.keys(error)).toEqual(['code', 'errno', 'syscall', 'address', 'port']);
  });
  test.each([
    null,
    undefined,
    'EADDRINUSE',
    new Error('x'),
    { code: 'ENOENT', syscall: 'listen', port: 80 },
    { code: 'EADDRINUSE', syscall: 'connect', port: 80 },
    { code: 'EADDRINUSE', syscall: 'listen', port: 65_536 },
    { code: 'EADDRINUSE', syscall: 'listen', address: '/tmp/socket' },
    { code: 'EADDRINUSE', syscall: 'toString', port: 80 },
    // TCP or UDP: nothing tells.
    { code: 'EADDRINUSE', syscall: 'bind', port: 80 },
  ])('%j is none', async (value) => {
    expect(await library.explainListenError(value)).toBe(null);
  });
  test('what cannot be looked at is said, and nothing is thrown', async () => {
    const error = { code: 'EACCES', syscall: 'listen', port: 80, address: 'not an address' };
    expect(await library.explainListenError(error)).toMatchObject({
      why: null,
      text: expect.stringMatching(/could not be looked at/) as string,
    });
    const signal = AbortSignal.abort();
    expect(
      (await library.explainListenError({ ...error, address: undefined }, { signal }))?.why ?? null,
    ).toBe(null);
  });
});

describe('with the real Vite and vitest', () => {
  test('Vite goes to another port, and the answer stands under its line', async () => {
    const path = project.file(
      'dev.mjs',
      `import { createServer } from 'vite'; import portolan from 'portolan/vite';
       const server = await createServer({ configFile: false, plugins: [portolan()], server: { port: ${taken.port}, host: '127.0.0.1' } });
       await server.listen(); console.log('serves', server.httpServer.address().port !== ${taken.port});
       setTimeout(() => server.close().then(() => process.exit(0)), 4000);`,
    );
    const { code, out, err } = await project.node([path]);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(/serves true/);
    expect(out).toMatch(new RegExp(`Port ${taken.port} is in use[\\s\\S]*${answer().source}`));
  });
  test('a strict port ends Vite as always, and the answer stands under its error', async () => {
    const config = project.file(
      'vite.config.mjs',
      `import portolan from 'portolan/vite'; export default { plugins: [portolan()] };`,
    );
    const bare = project.file('bare.config.mjs', 'export default {};');
    const vite = join(project.folder, 'node_modules', 'vite', 'bin', 'vite.js');
    const run = (file: string): Promise<Ran> =>
      project.node([
        vite,
        '--config',
        file,
        '--host',
        '127.0.0.1',
        '--port',
        String(taken.port),
        '--strictPort',
      ]);
    const without = await run(bare);
    const plugged = await run(config);
    expect(without.code).toBe(1);
    expect(plugged.code).toBe(without.code);
    expect(plugged.err).toMatch(
      new RegExp(`Port ${taken.port} is already in use[\\s\\S]*${answer().source}`),
    );
    expect(without.err).not.toMatch(/cannot be bound here/);
  });
  test('vitest shows it under the test that failed', async () => {
    project.file(
      'listen.test.mjs',
      `import { once } from 'node:events'; import { createServer } from 'node:net'; import { expect, test } from 'vitest';
       test('cannot listen', async () => { const s = createServer(); s.listen(${taken.port}, '127.0.0.1'); await once(s, 'listening'); });
       test('fails otherwise', () => { expect(1).toBe(2); });
       test('passes', () => { expect(1).toBe(1); });`,
    );
    const config = project.file(
      'vitest.config.mjs',
      `export default { test: { setupFiles: ['portolan/vitest'], include: ['listen.test.mjs'], globals: false } };`,
    );
    const vitest = join(project.folder, 'node_modules', 'vitest', 'vitest.mjs');
    const { code, out, err } = await project.node([vitest, 'run', '--config', config, '--no-color']);
    expect(code).toBe(1);
    expect(out).toMatch(/2 failed \| 1 passed/);
    const all = `${out}${err}`;
    expect(all).toMatch(answer());
    expect(all.match(/cannot be bound here/g)).toHaveLength(1);
    expect(all).toMatch(/stderr \| listen\.test\.mjs > cannot listen/);
  });
  test('vitest shows it once for each attempt at a test', async () => {
    project.file(
      'again.test.mjs',
      `import { once } from 'node:events'; import { createServer } from 'node:net'; import { test } from 'vitest';
       test('cannot listen', { retry: 2 }, async () => { const s = createServer(); s.listen(${taken.port}, '127.0.0.1'); await once(s, 'listening'); });`,
    );
    const config = project.file(
      'again.config.mjs',
      `export default { test: { setupFiles: ['portolan/vitest'], include: ['again.test.mjs'], globals: false } };`,
    );
    const vitest = join(project.folder, 'node_modules', 'vitest', 'vitest.mjs');
    const { code, out, err } = await project.node([vitest, 'run', '--config', config, '--no-color']);
    expect(code).toBe(1);
    expect(`${out}${err}`.match(/cannot be bound here/g)).toHaveLength(3);
  });
});
