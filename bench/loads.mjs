// The workshop: C programs compiled into a folder of this run's own, and one load at a time, all gone at the end.
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
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

/** Age at which a load's sockets in TIME_WAIT are made anew: well below the 60 s that the kernel keeps them. */
const RENEW_MS = 15_000;

/**
 * Environment of everything that is measured: nothing in it that makes only one of the peers do more. What Portolan
 * keeps to save time goes to `folder`, and not to the user's own cache.
 */
export function quietEnvironment(folder) {
  const env = { ...process.env, LC_ALL: 'C.UTF-8' };
  for (const name of ['NODE_EXTRA_CA_CERTS', 'NODE_OPTIONS', 'NODE_V8_COVERAGE', 'NODE_DEBUG'])
    delete env[name];
  // Shipped facts only, whatever the user of this account has updated.
  env.PORTOLAN_DATA_DIR = join(folder, 'no-data');
  env.XDG_CACHE_HOME = join(folder, 'cache');
  return env;
}

/**
 * Compiles the programs. The result starts loads (`load(spec)`), keeps the last one for the next case that
 * wants the same, and must be closed. `renew()` keeps alive what of a load ends by itself, and is to be called before
 * each round. Where nothing can be made, `problem` says why.
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
      current = { key, spec, pid: null, renewedAt: 0, ...startLoad(program('load'), spec, signal) };
      current.pid = await current.ready();
      current.renewedAt = performance.now();
      await sleep(SETTLE_MS, undefined, { signal });
      return current.pid;
    },
    async renew() {
      if (!current.spec.waiting || performance.now() - current.renewedAt < RENEW_MS) return;
      current.child.stdin.write('r');
      await current.ready();
      current.renewedAt = performance.now();
      await sleep(SETTLE_MS, undefined, { signal });
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

/**
 * Why the load that process `pid` is part of is not, or no longer, what `spec` says; null where it is, by the
 * kernel's own count of its namespace.
 */
export function shortOf(spec, pid) {
  let text;
  try {
    text = readFileSync(`/proc/${pid}/net/sockstat`, 'latin1');
  } catch (error) {
    return `the load is gone (${error.code})`;
  }
  const [, inUse, waiting] = /^TCP: inuse (\d+) orphan \d+ tw (\d+)/m.exec(text) ?? [];
  const wanted =
    spec.kind === 'listeners'
      ? { inUse: spec.holders * spec.listeners, waiting: 0 }
      : { inUse: 2 * spec.pairs * spec.each, waiting: spec.waiting };
  if (Number(inUse) >= wanted.inUse && Number(waiting) >= wanted.waiting) return null;
  return `the load has ${inUse} sockets and ${waiting} in TIME_WAIT instead of ${wanted.inUse} and ${wanted.waiting}`;
}

/** A load that was refused, with its reason. */
export class LoadRefused extends Error {}

/** Arguments of the program `load`. */
function loadArguments({ kind, port, ...of }) {
  const counts =
    kind === 'listeners' ? [of.holders, of.listeners, of.idle, of.fds] : [of.pairs, of.each, of.waiting];
  return [kind, ...counts, port].map(String);
}

/** Each call of the result's `ready` waits for one more line "ready PID" and gives the pid. */
function startLoad(program, spec, signal) {
  const child = spawn(program, loadArguments(spec), {
    stdio: ['pipe', 'pipe', 'pipe'],
    // A session of its own: Ctrl-C reaches us, and we end the load.
    detached: true,
    env: {},
  });
  child.stdin.on('error', () => {});
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text) => (complaint += text));
  const ended = new Promise((resolve) => child.on('close', resolve).on('error', resolve));
  const said = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const aborted = new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
  aborted.catch(() => {});
  async function ready() {
    const { value } = await Promise.race([said.next(), aborted]);
    const pid = /^ready (\d+)$/.exec(value ?? '')?.[1];
    if (pid !== undefined) return Number(pid);
    await ended;
    throw new LoadRefused(firstLine(complaint) || 'it ended without a word');
  }
  return { child, ended, ready };
}

function firstLine(text) {
  return text.trim().split('\n', 1)[0] ?? '';
}
