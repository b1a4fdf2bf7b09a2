// A server of the built program for tests: started on a port of its own, asked over real sockets, and ended.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ServeV1 } from '@portolan/core';
import { checked, environment, PROGRAM } from './program.ts';

/** Headers that stand on every answer, whatever it is. */
export const STRICT: readonly RegExp[] = [
  /^content-security-policy: default-src 'none'; script-src 'self';.*frame-ancestors 'none'.*$/im,
  /^x-content-type-options: nosniff\r$/im,
  /^referrer-policy: no-referrer\r$/im,
  /^cross-origin-opener-policy: same-origin\r$/im,
  /^cross-origin-resource-policy: same-origin\r$/im,
  /^cache-control: no-(store|cache)\r$/im,
];

/** A server that runs. */
export interface TestServer {
  readonly told: ServeV1;
  readonly port: number;
  readonly dataDir: string;
  readonly child: ChildProcess;
  /** What it wrote on standard error. */
  readonly output: () => string;
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

/** Starts `portolan serve --json` with more flags, as another user where one is named. */
export async function serve(
  flags: readonly string[] = [],
  options: { readonly uid?: number; readonly dataDir?: string; readonly port?: number } = {},
): Promise<TestServer> {
  const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), 'portolan-serve-'));
  const env = environment({ PORTOLAN_DATA_DIR: dataDir, HOME: dataDir });
  const args = [PROGRAM, 'serve', '--port', String(options.port ?? 0), '--json', ...flags];
  const child = spawn(process.execPath, args, {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.uid }),
  });
  let out = '';
  let err = '';
  child.stderr.on('data', (bytes: Buffer) => (err += bytes.toString()));
  const ended = new Promise<number | null>((done) => child.once('exit', (code) => done(code)));
  const line = await new Promise<string>((done, fail) => {
    child.stdout.on('data', (bytes: Buffer) => {
      out += bytes.toString();
      if (out.includes('\n')) done(out.slice(0, out.indexOf('\n')));
    });
    child.once('exit', (code) => fail(new Error(`the server ended with ${code}: ${err}`)));
  });
  const told = checked<ServeV1>(line);
  return {
    told,
    port: told.port,
    dataDir,
    child,
    output: () => err,
    async stop(signal = 'SIGTERM') {
      child.kill(signal);
      const code = await ended;
      if (options.dataDir === undefined) rmSync(dataDir, { recursive: true, force: true });
      return code;
    },
  };
}

/** Sends bytes as they are and gives back all that comes until the server closes, or for `waitMs`. */
export function raw(port: number, text: string, host = '127.0.0.1', waitMs = 20_000): Promise<string> {
  return new Promise((done) => {
    let answer = '';
    const socket = connect({ port, host }, () => socket.write(text));
    const timer = setTimeout(() => socket.destroy(), waitMs);
    socket.on('data', (bytes) => (answer += bytes.toString('latin1')));
    // A server that has answered may reset what it did not read.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearTimeout(timer);
      done(answer);
    });
  });
}

/** A request as text; the connection ends with it. */
export function request(
  port: number,
  target: string,
  headers: Readonly<Record<string, string>> = {},
  method = 'GET',
  body = '',
): string {
  const all = {
    Host: `127.0.0.1:${port}`,
    Connection: 'close',
    ...(body === '' ? {} : { 'Content-Length': String(Buffer.byteLength(body)) }),
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
  return `${method} ${target} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n${body}`;
}

/** Status of an answer; null where there is none. */
export function statusOf(answer: string): number | null {
  const status = /^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1];
  return status === undefined ? null : Number(status);
}

/** Body of an answer that was not sent in chunks. */
export function bodyOf(answer: string): string {
  return Buffer.from(answer.slice(answer.indexOf('\r\n\r\n') + 4), 'latin1').toString('utf8');
}

/** A live stream: its connection and the status once it came. */
export async function openStream(
  port: number,
  headers: Readonly<Record<string, string>> = {},
): Promise<{ readonly socket: Socket; readonly status: number | null }> {
  const text = request(port, '/api/live/ports/9', { Connection: 'keep-alive', ...headers });
  const socket = connect({ port, host: '127.0.0.1' });
  socket.on('error', () => undefined);
  socket.write(text);
  const first = await new Promise<string>((done) => {
    socket.once('data', (bytes) => done(bytes.toString('latin1')));
    socket.once('close', () => done(''));
  });
  return { socket, status: statusOf(first) };
}

/** What curl prints, run as another user where one is named. */
export function curl(
  args: readonly string[],
  uid?: number,
): Promise<{ readonly out: string; readonly code: number }> {
  return new Promise((done) => {
    execFile(
      'curl',
      ['-s', '--max-time', '20', ...args],
      { encoding: 'utf8', ...(uid === undefined ? {} : { uid, gid: uid }) },
      (error, out) => done({ out, code: error === null ? 0 : Number(error.code) }),
    );
  });
}
