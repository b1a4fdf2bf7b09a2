// What the tests of `kill` stand on: processes that listen, and a count of those that must be there afterwards.
import type { KillV1 } from '@portolan/core';
import { expect } from 'vitest';
import { checked } from '../cli/program.ts';
import { type Namespace, type Robot, scenario } from './namespace.ts';

export const PORT = 80;
export const SIT = scenario('sit.mjs');

/** `kill PORT --json`, and its exit code. */
export async function kill(
  ns: Namespace,
  args: readonly string[] = ['--yes'],
  as: { uid?: number } = {},
  port: number | string = PORT,
): Promise<KillV1 & { code: number | null }> {
  const ran = await ns.portolan(['kill', String(port), '--json', '--wait', '2', ...args], as);
  let answer: KillV1;
  try {
    answer = checked<KillV1>(ran.stdout);
  } catch (cause) {
    throw new Error(`no answer; exit ${ran.code}: ${ran.stdout}${ran.stderr}`, { cause });
  }
  expect(answer.format).toBe('portolan.kill/1');
  if (!answer.dryRun) expect(ran.code).toBe(answer.done === null ? 3 : answer.done ? 0 : 1);
  return { ...answer, code: ran.code };
}

export const results = (answer: KillV1): [number | null, string][] =>
  answer.outcome.map(({ pid, result }) => [pid, result]);
/** What was left alone in this network namespace; others of this machine may use the same port. */
export const refused = (answer: KillV1): KillV1['plan']['refusals'] =>
  answer.plan.refusals.filter(({ reason }) => reason !== 'namespace');
export const reasons = (answer: KillV1): string[] => refused(answer).map(({ reason }) => reason);

/** A robot of its own that listens, and is stopped or not. */
export async function listener(ns: Namespace, port = PORT, address = '127.0.0.1'): Promise<Robot> {
  const robot = await ns.addRobot();
  await robot.step({
    op: 'open',
    as: 'l',
    family: 'ipv4',
    type: 'tcp',
    bind: [address, port],
    listen: 8,
    reuse: true,
  });
  return robot;
}

/** Is this process of the namespace there, and no zombie? */
async function lives(ns: Namespace, pid: number): Promise<boolean> {
  const ran = await ns.run('cat', [`/proc/${pid}/stat`]);
  return ran.code === 0 && !/\) [ZX] /.test(ran.stdout);
}

export async function expectAlive(ns: Namespace, ...robots: readonly (Robot | number)[]): Promise<void> {
  for (const robot of [ns.robot, ...robots]) {
    const pid = typeof robot === 'number' ? robot : robot.pid;
    expect(await lives(ns, pid), `bystander ${pid} of ${robots.length + 1}`).toBe(true);
  }
}

export async function expectGone(ns: Namespace, ...pids: readonly number[]): Promise<void> {
  for (const pid of pids) expect(await lives(ns, pid), `pid ${pid}`).toBe(false);
}

/** A process that stays when it is asked to go, with the robot's socket. */
export async function deafOwner(ns: Namespace): Promise<number> {
  const code = "process.on('SIGTERM', () => {}); process.stdout.write('.'); setInterval(() => {}, 1e6)";
  const [, pid] = await ns.robot.steps(
    { op: 'open', as: 'l', family: 'ipv4', type: 'tcp', bind: ['127.0.0.1', PORT], listen: 8 },
    { op: 'spawn', as: 'deaf', file: process.execPath, args: ['-e', code], inherit: ['l'] },
    { op: 'close', of: 'l' },
    { op: 'said', of: 'deaf' },
  );
  return pid ?? 0;
}

/** Gives a socket of the robot to a child that does nothing, and keeps it or not. */
export async function child(robot: Robot, name: string, socket: string, argv0?: string): Promise<number> {
  return await robot.step({
    op: 'spawn',
    as: name,
    file: process.execPath,
    args: [SIT],
    inherit: [socket],
    ...(argv0 === undefined ? {} : { argv0 }),
  });
}
