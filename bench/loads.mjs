// The workshop: C programs compiled into a folder of this run's own, and one load at a time, all gone at the end.
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ROOT } from '../tools/setup.mjs';
import { which } from './machine.mjs';

const SOURCES = join(ROOT, 'bench');
const BUILD = join(SOURCES, 'build');
const PROGRAMS = ['load', 'limit', 'timed'];

/** Time the kernel gets to tidy up after one load and before the next is measured. */
const SETTLE_MS = 300;

/** Time a load gets to end by itself. */
const PATIENCE_MS = 10_000;

/** Environment of everything that is measured: nothing in it that makes only one of the peers do more. */
export function quietEnvironment(folder) {
  const env = { ...process.env, LC_ALL: 'C.UTF-8' };
  for (const name of ['NODE_EXTRA_CA_CERTS', 'NODE_OPTIONS', 'NODE_V8_COVERAGE', 'NODE_DEBUG'])
    delete env[name];
  // Shipped facts only, whatever the user of this account has updated.
  env.PORTOLAN_DATA_DIR = join(folder, 'no-data');
  return env;
}

/**
 * Compiles the programs. The result starts loads (`load(spec)`), keeps the last one for the next case that
 * wants the same, and must be closed. Where nothing can be made, `problem` says why.
 */
export async function prepare(signal) {
  mkdirSync(BUILD, { recursive: true });
  const folder = mkdtempSync(join(BUILD, 'run-'));
  const program = (name) => join(folder, name);
  let current = null;

  async function endLoad() {
    if (current === null) return;
    const { child, ended } = current;
    current = null;
    // At the end of its input the load ends its processes and waits for them; a killed one takes them along.
    child.stdin.end();
    const killer = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
    await ended;
    clearTimeout(killer);
    if (!signal.aborted) await sleep(SETTLE_MS);
  }

  return {
    folder,
    program,
    problem: compile(program),
    async load(spec) {
      const key = JSON.stringify(spec);
      if (current?.key === key) return current.pid;
      await endLoad();
      signal.throwIfAborted();
      const started = startLoad(program('load'), spec, signal);
      current = { key, pid: null, child: started.child, ended: started.ended };
      current.pid = await started.ready;
      await sleep(SETTLE_MS, undefined, { signal });
      return current.pid;
    },
    async close() {
      await endLoad();
      rmSync(folder, { recursive: true, force: true });
      try {
        rmdirSync(BUILD);
      } catch {
        // Another bench is at work in it.
      }
    },
  };
}

/** Why the programs cannot be made, or null when they were. */
function compile(program) {
  if (process.platform !== 'linux') return `loads are made on Linux only, this is ${process.platform}`;
  const cc = which('cc');
  if (cc === null) return 'no C compiler (cc) here, and the loads are C programs';
  for (const name of PROGRAMS) {
    const source = join(SOURCES, `${name}.c`);
    const { status, stderr } = spawnSync(cc, ['-std=gnu11', '-O2', '-Wall', '-o', program(name), source], {
      encoding: 'utf8',
    });
    if (status !== 0) return `cc could not compile ${name}.c: ${firstLine(stderr ?? '')}`;
  }
  return null;
}

/** A load that was refused, with its reason. */
export class LoadRefused extends Error {}

function startLoad(program, spec, signal) {
  const { holders, listeners, idle, fds, port } = spec;
  const child = spawn(program, [holders, listeners, idle, fds, port].map(String), {
    stdio: ['pipe', 'pipe', 'pipe'],
    // A session of its own: Ctrl-C reaches us, and we end the load.
    detached: true,
    env: {},
  });
  child.stdin.on('error', () => {});
  let said = '';
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text) => (complaint += text));
  const ended = new Promise((resolve) => child.on('close', resolve).on('error', resolve));
  const ready = new Promise((resolve, reject) => {
    child.stdout.setEncoding('utf8').on('data', (text) => {
      said += text;
      const pid = /^ready (\d+)\n/.exec(said)?.[1];
      if (pid !== undefined) resolve(Number(pid));
    });
    void ended.then(() => reject(new LoadRefused(firstLine(complaint) || 'it ended without a word')));
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
  return { child, ended, ready };
}

function firstLine(text) {
  return text.trim().split('\n', 1)[0] ?? '';
}
