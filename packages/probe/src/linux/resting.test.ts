// Processes that rested: told by what the kernel counts, and never where that is not certain.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { RestingProcesses } from './resting.ts';

const PID = 7;
const MANY = new Map([[PID, 1000]]);

const trash: (() => void)[] = [];
afterEach(() => {
  for (const remove of trash.splice(0)) remove();
});

/** A /proc with the process, whose files can be written again. */
function proc(files: Readonly<Record<string, string>>): {
  resting: RestingProcesses;
  write: (name: string, text: string) => void;
} {
  const root = mkdtempSync(join(tmpdir(), 'portolan-resting-'));
  trash.push(() => rmSync(root, { recursive: true, force: true }));
  const write = (name: string, text: string): void => {
    const path = join(root, String(PID), name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  };
  for (const [name, text] of Object.entries(files)) write(name, text);
  return { resting: new RestingProcesses(root), write };
}

const stat = (state: string, threads: number, started = 500): string =>
  `${PID} (a b) ${state} 1 ${PID} ${PID} 0 -1 0 0 0 0 0 1 2 0 0 20 0 ${threads} 0 ${started} 0 0 0\n`;

const ALONE = { stat: stat('S', 1), schedstat: '1000 20 3\n' };

describe('one thread', () => {
  test('the same counts, asleep both times', () => {
    const { resting } = proc(ALONE);
    expect(resting.rested(PID), 'not noted yet').toBe(false);
    resting.note(MANY);
    expect(resting.rested(PID)).toBe(true);
  });
  test.each<[string, Record<string, string>]>([
    ['it ran for a while', { schedstat: '1001 20 4\n' }],
    ['it is running', { stat: stat('R', 1) }],
    ['it is another process', { stat: stat('S', 1, 501) }],
    ['it has a second thread', { stat: stat('S', 2) }],
    ['its state cannot be read', { stat: '' }],
    ['its counts cannot be read', { schedstat: '' }],
  ])('%s', (_, now) => {
    const { resting, write } = proc(ALONE);
    resting.note(MANY);
    for (const [name, text] of Object.entries(now)) write(name, text);
    expect(resting.rested(PID)).toBe(false);
  });
  test.each<[string, Record<string, string>]>([
    ['it was running', { ...ALONE, stat: stat('R', 1) }],
    ['the kernel counts nothing', { ...ALONE, schedstat: '0 0 0\n' }],
    ['a kernel without counts', { stat: ALONE.stat }],
  ])('%s when it was noted', (_, files) => {
    const { resting, write } = proc(files);
    resting.note(MANY);
    write('stat', ALONE.stat);
    expect(resting.rested(PID)).toBe(false);
  });
  test('few descriptors are not worth it', () => {
    const { resting } = proc(ALONE);
    resting.note(new Map([[PID, 5]]));
    expect(resting.rested(PID)).toBe(false);
  });
});

describe('several threads', () => {
  const files = {
    stat: stat('S', 2),
    'task/7/stat': stat('S', 2),
    'task/7/schedstat': '1 1 1\n',
    'task/8/stat': stat('S', 2),
    'task/8/schedstat': '2 2 2\n',
  };
  test('all of them rested', () => {
    const { resting } = proc(files);
    resting.note(MANY);
    expect(resting.rested(PID)).toBe(true);
  });
  test.each<[string, Record<string, string>]>([
    ['the second one ran', { 'task/8/schedstat': '3 2 3\n' }],
    ['the second one is running', { 'task/8/stat': stat('R', 2) }],
    ['there is a third', { 'task/9/stat': stat('S', 3), 'task/9/schedstat': '1 1 1\n' }],
  ])('%s', (_, now) => {
    const { resting, write } = proc(files);
    resting.note(MANY);
    for (const [name, text] of Object.entries(now)) write(name, text);
    expect(resting.rested(PID)).toBe(false);
  });
});

test.runIf(process.platform === 'linux')('this kernel’s own counts', async () => {
  const child: ChildProcess = spawn('sleep', ['60'], { stdio: 'ignore' });
  trash.push(() => child.kill('SIGKILL'));
  const pid = child.pid ?? 0;
  const resting = new RestingProcesses('/proc');
  const note = (): void => resting.note(new Map([pid, process.pid].map((each) => [each, 1000])));
  // It is asleep for good a moment after it was started.
  for (let tries = 0; tries < 100; tries++) {
    note();
    await sleep(20);
    if (resting.rested(pid)) break;
  }
  expect(resting.rested(pid), 'asleep').toBe(true);
  expect(resting.rested(process.pid), 'we who ask').toBe(false);
  child.kill('SIGSTOP');
  child.kill('SIGCONT');
  let ran = false;
  for (let tries = 0; tries < 100 && !ran; tries++) {
    await sleep(20);
    ran = !resting.rested(pid);
  }
  expect(ran, 'it was stopped and went on').toBe(true);
});
