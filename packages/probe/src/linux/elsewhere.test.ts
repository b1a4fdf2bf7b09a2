// Tables of other network namespaces on real ones: what is read a second time is not lost with one of their processes.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readlinkSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import type { ProbeRequest } from '../backend.ts';
import { Elsewhere } from './elsewhere.ts';
import { listPids } from './fd-walk.ts';
import { type Foreign, findNamespaces } from './namespaces.ts';
import { loadLibc } from './native.ts';
import type { TablePart } from './owners.ts';
import { ProcessReader } from './process.ts';
import { linkReader } from './read-link.ts';

const PORT = 7400;
const REQUEST: ProbeRequest = { ports: [PORT, PORT], transports: ['tcp'] };
const LISTEN = `require('node:net').createServer().listen(${PORT}, '127.0.0.1', () => process.stdout.write('up'))`;
const SIT = `process.stdin.resume(); process.stdout.write('up')`;

const libc = process.platform === 'linux' ? loadLibc() : null;
const canMake =
  process.platform === 'linux' &&
  process.geteuid?.() === 0 &&
  spawnSync('unshare', ['--net', 'nsenter', '--version']).status === 0;
if (!canMake) process.stderr.write('skipped: other namespaces: not root on Linux, or none can be made\n');

const started: ChildProcess[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((child) => end(child)));
});

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

async function start(file: string, ...args: string[]): Promise<ChildProcess> {
  const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  started.push(child);
  if (child.stdout !== null) await once(child.stdout, 'data');
  return child;
}

/** A namespace whose first process only sits there, and whose second listens. */
async function namespace(): Promise<{ first: ChildProcess; second: ChildProcess; inode: number }> {
  const script = 'ip link set lo up; exec "$0" -e "$1"';
  const first = await start('unshare', '--net', 'sh', '-c', script, process.execPath, SIT);
  const net = `/proc/${first.pid}/ns/net`;
  const second = await start('nsenter', `--net=${net}`, process.execPath, '-e', LISTEN);
  return { first, second, inode: Number(/\d+/.exec(readlinkSync(net))?.[0]) };
}

function find(): readonly Foreign[] {
  const processes = new ProcessReader('/proc', () => null);
  return findNamespaces('/proc', listPids('/proc'), processes, linkReader(libc)).foreign;
}

const portsOf = (part: TablePart | undefined): number[] | undefined =>
  part?.read(null)?.map(({ local }) => local.port);

describe.skipIf(!canMake)('a namespace that is read again', () => {
  test.each([
    ['by entering it', libc],
    ['by the files of its processes', null],
  ])('after the process that stood for it has ended: %s', async (_, by) => {
    const { first, inode } = await namespace();
    const one = find().filter((each) => each.namespace.inode === inode);
    expect(one.map(({ path }) => path)).toEqual([`/proc/${first.pid}/ns/net`]);
    const elsewhere = new Elsewhere(by, REQUEST, find);
    const [part] = elsewhere.parts(one);
    expect(part?.rows.map(({ local }) => local.port)).toEqual([PORT]);
    await end(first);
    expect(portsOf(part)).toEqual([PORT]);
    expect(part?.finds(part.rows) ?? false).toBe(by !== null);
    // The same where it had ended before it was read at all.
    expect(new Elsewhere(by, REQUEST, find).parts(one).map(portsOf)).toEqual([[PORT]]);
    expect(elsewhere.gaps(0, null)).toEqual([]);
  });

  test('one that has ended has no rows and is no gap; one that is there and is refused is one', async () => {
    const { first, second, inode } = await namespace();
    const one = find().filter((each) => each.namespace.inode === inode);
    const elsewhere = new Elsewhere(libc, REQUEST, find);
    const [part] = elsewhere.parts(one);
    await end(second);
    await end(first);
    expect(portsOf(part)).toBeUndefined();
    expect(elsewhere.gaps(0, null)).toEqual([]);
    // Its process is there, and another namespace than the one that was seen is not read in its place.
    const other = await namespace();
    const changed = find()
      .filter((each) => each.namespace.inode === other.inode)
      .map((each) => ({ ...each, namespace: { ...each.namespace, inode } }));
    const blind = new Elsewhere(libc, REQUEST, () => []);
    expect(blind.parts(changed)).toEqual([]);
    expect(blind.gaps(0, 'sudo x')).toMatchObject([
      { code: 'namespaces-unreadable', values: { namespaces: 1 }, remedy: 'sudo x' },
    ]);
  });
});
