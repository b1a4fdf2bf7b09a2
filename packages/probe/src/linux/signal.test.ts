// Grips on real processes: only the process that was looked at, with the socket that was looked at, gets a signal.
import { type ChildProcess, spawn } from 'node:child_process';
import { createServer, type Server } from 'node:net';
import type { Owner } from '@portolan/core';
import { afterEach, describe, expect, test } from 'vitest';
import type { Grip } from '../actions.ts';
import { parsePidfdInfo } from '../parse/linux-proc-pid.ts';
import { linuxBackend } from './backend.ts';
import { loadLibc } from './native.ts';
import { gripProcess } from './signal.ts';

test('the pid in a pidfd’s fdinfo', () => {
  expect(parsePidfdInfo('pos:\t0\nflags:\t02000002\nPid:\t4711\nNSpid:\t4711\n')).toBe(4711);
  expect(parsePidfdInfo('Pid:\t-1\n')).toBe(-1);
  expect(parsePidfdInfo('NSPid:\t7\nxPid:\t7\nPid: 7\n')).toBeNull();
  expect(parsePidfdInfo('')).toBeNull();
});

const libc = process.platform === 'linux' ? loadLibc() : null;
const started: ChildProcess[] = [];
afterEach(() => {
  for (const child of started.splice(0)) child.kill('SIGKILL');
});

const SERVER = `const net = require('node:net');
let server = net.createServer().listen(0, '127.0.0.1', () => process.stdout.write(server.address().port + '\\n'));
process.stdin.on('data', () => server.close(() => process.stdout.write('closed\\n')));`;

interface Running {
  readonly child: ChildProcess;
  readonly owner: Owner;
  readonly inode: number;
}

/** A server of its own, as the probe sees it. */
async function server(): Promise<Running> {
  const child = spawn(process.execPath, ['-e', SERVER], { stdio: ['pipe', 'pipe', 'inherit'] });
  started.push(child);
  const port = Number(await said(child));
  const seen = await linuxBackend.look({ ports: [port, port], transports: ['tcp'] });
  const socket = seen.sockets.find(({ state }) => state === 'LISTEN');
  const owner = socket?.owners[0];
  if (socket === undefined || owner === undefined) throw new Error('the server was not seen');
  expect(owner.pid).toBe(child.pid);
  return { child, owner, inode: socket.inode };
}

function said(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => child.stdout?.once('data', (text: Buffer) => resolve(text.toString())));
}

function ended(child: ChildProcess): Promise<string | null> {
  return new Promise((resolve) => child.once('exit', (_code, signal) => resolve(signal)));
}

function grip(pid: number, startedAt: string | null, inodes: readonly number[]): Grip {
  if (libc === null) throw new Error('no libc');
  const found = gripProcess(libc, pid, startedAt, inodes);
  if (typeof found === 'string') throw new Error(found);
  return found;
}

describe.skipIf(libc === null)('a process with a socket', () => {
  test('is signalled', async () => {
    const { child, owner, inode } = await server();
    const held = grip(owner.pid, owner.startedAt, [inode]);
    expect([held.gone(), held.has([inode]), held.has([inode + 1]), held.has([0])]).toEqual([
      false,
      true,
      false,
      false,
    ]);
    const end = ended(child);
    expect(held.signal('SIGTERM', [inode])).toBe('sent');
    expect(await end).toBe('SIGTERM');
    expect([held.gone(), held.has([inode]), held.signal('SIGKILL', [inode])]).toEqual([true, false, 'gone']);
    held.close();
  });
  test('is not gripped with another start time, or none, or another socket', async () => {
    const { child, owner, inode } = await server();
    if (libc === null) return;
    const other = new Date(Date.parse(owner.startedAt ?? '') + 10).toISOString();
    expect(gripProcess(libc, owner.pid, other, [inode])).toBe('changed');
    // That nothing tells when it started is no change.
    expect(gripProcess(libc, owner.pid, null, [inode])).toBe('unsupported');
    expect(gripProcess(libc, owner.pid, owner.startedAt, [inode + 1])).toBe('changed');
    expect(gripProcess(libc, owner.pid, owner.startedAt, [])).toBe('changed');
    // Ours has the same kind of socket, and is another process.
    const own: Server = createServer();
    await new Promise<void>((resolve) => own.listen(0, '127.0.0.1', resolve));
    expect(gripProcess(libc, process.pid, owner.startedAt, [inode])).toBe('changed');
    own.close();
    expect(child.exitCode).toBeNull();
  });
  test('is left alone once it has closed it', async () => {
    const { child, owner, inode } = await server();
    const held = grip(owner.pid, owner.startedAt, [inode]);
    const closed = said(child);
    child.stdin?.write('x');
    await closed;
    expect(held.signal('SIGTERM', [inode])).toBe('changed');
    expect(held.gone()).toBe(false);
    held.close();
  });
  test('is gone when it has ended, before and after the grip', async () => {
    const { child, owner, inode } = await server();
    const held = grip(owner.pid, owner.startedAt, [inode]);
    const end = ended(child);
    child.kill('SIGKILL');
    await end;
    expect(held.signal('SIGTERM', [inode])).toBe('gone');
    held.close();
    if (libc !== null) expect(gripProcess(libc, owner.pid, owner.startedAt, [inode])).toBe('gone');
  });
});
