// What a process calls itself is data: on pages, in the stream, as text and as JSON.
import { type ChildProcess, spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ReportV1 } from '@portolan/core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checked } from './program.ts';
import { bodyOf, raw, request, serve, type TestServer } from './serving.ts';

/** A name that would be markup, turn the line round, colour a terminal and end a line, if anybody let it. */
const NAME = '<img src=x\u202eonerror=alert(1)>\u001b[31m\n"\'&';

/** Listens; its file, its folder and with that its comm have the name, and its arguments are ten kilobytes long. */
const LISTEN = `
  require('node:net').createServer().listen(0, '127.0.0.1', function () { console.log(this.address().port); });`;

let folder: string;
let child: ChildProcess;
let port: number;
let server: TestServer;

describe.runIf(process.platform === 'linux')('a hostile name', () => {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'portolan-titles-'));
    mkdirSync(join(folder, NAME));
    const program = join(folder, NAME, NAME.replaceAll('/', ''));
    copyFileSync(process.execPath, program);
    const secret = `--password=${'hunter2'.repeat(1500)}`;
    child = spawn(program, ['-e', LISTEN, '--', secret], {
      cwd: join(folder, NAME),
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    port = await new Promise<number>((done) => {
      child.stdout?.once('data', (bytes: Buffer) => done(Number(bytes.toString())));
    });
    server = await serve();
  });
  afterAll(async () => {
    child.kill('SIGKILL');
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  function ask(target: string, headers: Readonly<Record<string, string>> = {}): Promise<string> {
    return raw(server.port, request(server.port, target, headers));
  }

  /** No character that steers, and no secret. */
  function expectHarmless(text: string): void {
    expect(text).not.toMatch(/[\u202a-\u202e\u2066-\u2069\u001b\u0007\u0000]/);
    expect(text).not.toContain('hunter2');
    expect(text).not.toContain('password');
  }

  test('is shown as codes on the page', async () => {
    const html = bodyOf(await ask(`/en/ports/${port}`));
    expect(html).toContain('&lt;img');
    expect(html).toContain('\\u202e');
    expect(html).toContain('\\x1b');
    expect(html).toContain('\\n');
    expect(html).not.toMatch(/<img|alert\(1\)>/);
    expectHarmless(html);
    expect(html.length).toBeLessThan(100_000);
  });

  test('comes as text within elements in the stream', async () => {
    const text = request(server.port, `/api/live/ports/${port}`, { Connection: 'keep-alive' });
    const stream = await raw(server.port, text, '127.0.0.1', 3000);
    const line = stream.split('\n').find((part) => part.startsWith('{"card"')) ?? '';
    const { card } = JSON.parse(Buffer.from(line, 'latin1').toString('utf8')) as { card: unknown[] };
    const names: string[] = [];
    const walk = (element: unknown): void => {
      if (typeof element === 'string') {
        expectHarmless(element);
        return;
      }
      const [name, attributes, ...children] = element as [string, Record<string, string>, ...unknown[]];
      names.push(name);
      expect(Object.keys(attributes).filter((key) => key.startsWith('on'))).toEqual([]);
      for (const part of children) walk(part);
    };
    for (const element of card) walk(element);
    expect(names).toContain('strong');
    expect(names).not.toContain('img');
    expect(JSON.stringify(card)).toContain('<img');
  });

  test('steers no terminal that curl prints it to', async () => {
    const text = bodyOf(await ask(`/ports/${port}`, { Accept: 'text/plain' }));
    expect(text).toContain('<img');
    expectHarmless(text);
  });

  test('is whole in the JSON, escaped', async () => {
    const json = bodyOf(await ask(`/ports/${port}.json`));
    expectHarmless(json);
    const { use } = checked<ReportV1>(json);
    const [owner] = use.holders.flatMap((holder) => holder.owners);
    expect(owner?.exe).toContain(NAME);
    expect(owner?.name).toContain('<img');
    expect(owner).toMatchObject({ argv: null, cwd: null });
  });
});
