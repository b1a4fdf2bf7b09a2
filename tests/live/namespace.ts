// Everything the live tests stand on: what can be had here, a network namespace per test, robots in it, the built
// program and other tools run inside it, and the end of all of them.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, readlinkSync, realpathSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { HolderV1, ReportV1, Snapshot, Transport } from '@portolan/core';
import type { ProbeRequest } from '@portolan/probe';
import { expect, test } from 'vitest';
import { launcherOf, SINGLE } from '../binary/launcher.ts';

const HERE = dirname(fileURLToPath(import.meta.url));
const ROOT = dirname(dirname(HERE));
/** The built program; its package's `bin` is a door to it. Else what becomes the single file which PORTOLAN_BIN names. */
export const BIN: string =
  SINGLE === null ? join(ROOT, 'packages', 'portolan', 'dist', 'bin.cjs') : launcherOf(SINGLE);
/** What is built of the package: its library and its parts, which the single file has within. */
export const DIST: string = join(ROOT, 'packages', 'portolan', 'dist');
const PROBE: string = join(ROOT, 'packages', 'probe', 'dist', 'index.js');

/** A file among the scenarios. */
export function scenario(name: string): string {
  return join(HERE, 'scenarios', name);
}

/** A folder that is not there. */
const NOWHERE = '/nonexistent';

/** Nobody's ids, for the view without rights. */
export const NOBODY = 65_534;

const isRoot: boolean = process.geteuid?.() === 0;

const USUAL: readonly Transport[] = ['tcp', 'udp'];

/** Namespaces are entered by root as they are, by others together with a user namespace. */
const UNSHARE = isRoot ? ['--net'] : ['--user', '--map-root-user', '--net'];

/** How long a helper may take to start before something is clearly wrong. */
const START_MS = 30_000;

/** Runs a command to its end and says how it went; never throws. */
function tryRun(file: string, args: readonly string[]): { ok: boolean; why: string } {
  const result = spawnSync(file, args, { encoding: 'utf8', timeout: START_MS });
  if (result.error !== undefined) return { ok: false, why: `${file}: ${result.error.message}` };
  const why = `${file} ${args.join(' ')}: exit ${result.status}: ${result.stderr.trim()}`;
  return { ok: result.status === 0, why };
}

/** What a test may ask of the machine beside namespaces. */
type Need =
  | 'root'
  | 'tracefs'
  | 'ss'
  | 'lsof'
  | 'netstat'
  | 'vxlan'
  | 'cgroup2'
  | 'nobody'
  | 'pid-reuse'
  | 'sleep'
  | 'python3'
  | 'systemctl'
  | 'setcap'
  | 'strace'
  | 'bpf'
  | 'userns'
  | 'mptcp'
  | 'nft'
  | 'iptables-legacy'
  | 'iptables-nft'
  | 'sysctl'
  | 'unbound'
  | 'dnsmasq'
  | 'bash'
  | 'zsh'
  | 'fish'
  | 'promtool'
  | 'proc-subset'
  | 'sshd'
  | 'busybox';

/** The file behind `sleep`, or null. */
export function sleepFile(): string | null {
  const found = ['/usr/bin/sleep', '/bin/sleep'].find((file) => existsSync(file));
  return found === undefined ? null : realpathSync(found);
}

/** Where the cgroup v2 hierarchy is mounted, or null. */
export function cgroup2Mount(): string | null {
  const line = /^\d+ \d+ \S+ \/ (\S+) .* - cgroup2 /m.exec(readFileSync('/proc/self/mountinfo', 'utf8'));
  return line?.[1] ?? null;
}

const ASKED = new Map<Need | 'namespace', string | null>();

/** Why this need is not met here, or null; each is looked at once a test file. */
function lacking(need: Need | 'namespace'): string | null {
  const known = ASKED.get(need);
  if (known !== undefined) return known;
  const found = look();
  ASKED.set(need, found);
  return found;

  function look(): string | null {
    switch (need) {
      case 'namespace': {
        if (process.platform !== 'linux')
          return `network namespaces are of Linux, this is ${process.platform}`;
        const made = tryRun('unshare', [...UNSHARE, 'ip', 'link', 'set', 'lo', 'up']);
        if (!made.ok) return `no network namespace can be made: ${made.why}`;
        const entered = tryRun('nsenter', ['--version']);
        return entered.ok ? null : entered.why;
      }
      case 'tracefs': {
        if (!isRoot) return 'not root, so tracefs cannot be mounted';
        const event = '/sys/kernel/tracing/events/sock/inet_sock_set_state/enable';
        const script = `mount -t tracefs nodev /sys/kernel/tracing && test -e ${event}`;
        const made = tryRun('unshare', ['--mount', 'sh', '-c', script]);
        return made.ok ? null : `the kernel's trace of sockets cannot be had: ${made.why}`;
      }
      case 'root':
        return isRoot ? null : 'not root';
      case 'ss':
        return presence('ss', '-V');
      case 'netstat':
        return presence('netstat', '--version');
      case 'lsof':
        return presence('lsof', '-v');
      case 'setcap':
        return presence('setcap', '-h');
      case 'strace': {
        const traced = tryRun('strace', ['-f', '-qq', '-e', 'trace=bpf', 'true']);
        return traced.ok ? null : traced.why;
      }
      case 'bpf':
        if (!isRoot) return 'not root';
        if (readlinkSync('/proc/self/ns/pid') !== 'pid:[4026531836]') return 'not in the first pid namespace';
        return existsSync('/sys/kernel/btf/vmlinux') ? null : 'the kernel has no BTF';
      case 'userns': {
        if (!isRoot) return 'not root, so nobody else can be played';
        const args = ['--reuid', String(NOBODY), '--regid', String(NOBODY), '--clear-groups'];
        const made = tryRun('setpriv', [...args, 'unshare', '--user', '--map-root-user', '--net', 'true']);
        return made.ok ? null : `others may not make user namespaces: ${made.why}`;
      }
      case 'mptcp': {
        const file = '/proc/sys/net/mptcp/enabled';
        return existsSync(file) && readFileSync(file, 'utf8').trim() === '1' ? null : 'no Multipath TCP';
      }
      case 'nft':
        return rulesCanBeMade('nft add table ip t && nft delete table ip t');
      case 'iptables-legacy':
        return rulesCanBeMade('iptables-legacy -t nat -L');
      case 'iptables-nft':
        return rulesCanBeMade('iptables-nft -t nat -L');
      case 'proc-subset': {
        if (!isRoot) return 'not root';
        const mount = ['mount', '-t', 'proc', '-o', 'subset=pid', 'proc', '/proc'];
        const made = tryRun('unshare', ['--pid', '--fork', '--mount', ...mount]);
        return made.ok ? null : `no /proc of processes alone can be mounted: ${made.why}`;
      }
      case 'sshd': {
        if (!isRoot) return 'not root, so no sshd can be started';
        if (!existsSync('/usr/sbin/sshd')) return 'sshd is not installed';
        return presence('ssh', '-V');
      }
      case 'busybox':
        return presence('busybox', '--help');
      case 'vxlan': {
        const script = 'ip link add vx0 type vxlan id 1 dstport 4789 && ip link set vx0 up';
        const made = tryRun('unshare', [...UNSHARE, 'sh', '-c', script]);
        return made.ok ? null : `no vxlan interface can be made: ${made.why}`;
      }
      case 'cgroup2':
        if (!isRoot) return 'not root, so no cgroup can be made';
        return cgroup2Mount() === null ? 'cgroup v2 is not mounted' : null;
      case 'nobody': {
        if (!isRoot) return 'not root, so nobody else can be played';
        const args = ['--reuid', String(NOBODY), '--regid', String(NOBODY), '--clear-groups'];
        const ran = tryRun('setpriv', [...args, process.execPath, BIN, '--version']);
        return ran.ok ? null : `user ${NOBODY} cannot run the built program: ${ran.why}`;
      }
      case 'sleep': {
        const file = sleepFile();
        if (file === null) return 'sleep is not installed';
        // One program of many names, as in busybox, knows itself by its name alone.
        const size = statSync(file).size;
        return size < 500_000 ? null : `${file} is no program of its own (${size} bytes)`;
      }
      case 'systemctl':
        return existsSync('/usr/bin/systemctl') ? null : 'there is no /usr/bin/systemctl to stand in for';
      case 'sysctl':
        return presence('sysctl', '--version');
      case 'unbound':
        return presence('unbound', '-V');
      case 'dnsmasq':
        return presence('dnsmasq', '--version');
      case 'bash':
      case 'zsh':
      case 'fish':
      case 'promtool':
        return presence(need, '--version');
      case 'python3':
        return presence('python3', '--version');
      case 'pid-reuse': {
        if (!isRoot) return 'not root';
        // The shell's pid 1 in the namespace sets the last pid; its next child must follow it.
        const script = "echo 500 > /proc/sys/kernel/ns_last_pid && sh -c 'test $$ -gt 500'";
        const made = tryRun('unshare', ['--pid', '--fork', '--mount-proc', 'sh', '-c', script]);
        return made.ok ? null : `pids cannot be steered in a pid namespace: ${made.why}`;
      }
    }
  }
}

function rulesCanBeMade(script: string): string | null {
  const made = tryRun('unshare', [...UNSHARE, 'sh', '-c', script]);
  return made.ok ? null : `no packet filter rules can be made: ${made.why}`;
}

function presence(tool: string, flag: string): string | null {
  const result = spawnSync(tool, [flag], { encoding: 'utf8' });
  return result.error === undefined ? null : `${tool} is not installed`;
}

/**
 * Codes of the gaps that a look without native code has: sockets that are only bound, and rules, of which it cannot
 * tell without nft whether there are any.
 */
export function gapsWithoutNative(): string[] {
  const nft = presence('nft', '--version') === null;
  return nft ? ['bound-invisible'] : ['bound-invisible', 'redirects-no-tool'];
}

/** Throws unless the program and the probe were built. */
function requireBuild(): void {
  for (const file of [BIN, PROBE]) {
    if (existsSync(file)) continue;
    throw new Error(
      `${file} is missing: live tests run the built program. Build it: node tools/build.mjs (npm test does).`,
    );
  }
}

/** What a live test is given. */
interface LiveOptions {
  readonly needs?: readonly Need[];
  readonly timeout?: number;
  /** How often it may be tried again: only where a machine that is far too busy is known to change what is seen. */
  readonly retry?: number;
  /** Give the namespace its own pids as well. */
  readonly ownPids?: boolean;
  /** Executable of the first process, a copy of Node under another name. */
  readonly program?: string;
}

/**
 * A test in a network namespace of its own, which ends with everything in it when the test does, however it
 * does. Skipped, with the reason on stderr and in its name, where this machine lacks something. At least one
 * expectation must be checked.
 */
export function liveTest(name: string, options: LiveOptions, body: (ns: Namespace) => Promise<void>): void {
  const why = (['namespace', ...(options.needs ?? [])] as const)
    .map(lacking)
    .filter((reason) => reason !== null);
  if (why.length > 0) {
    process.stderr.write(`skipped: ${name}: ${why.join('; ')}\n`);
    test.skip(`${name} (skipped: ${why.join('; ')})`, () => undefined);
    return;
  }
  test(name, { timeout: options.timeout ?? 120_000, retry: options.retry ?? 0 }, async ({
    onTestFinished,
  }) => {
    expect.hasAssertions();
    requireBuild();
    const ns = new Namespace(options.ownPids ?? false, options.program ?? process.execPath);
    onTestFinished(() => ns.close());
    await ns.start();
    await body(ns);
  });
}

/** An address and a port, as a robot takes them. */
export type At = readonly [address: string, port: number];

/** One thing a robot does. Sockets and children have names of ours. */
export type Step =
  | {
      readonly op: 'open';
      readonly as: string;
      readonly family: 'ipv4' | 'ipv6';
      readonly type: 'tcp' | 'udp';
      /** Default 0; 262 for Multipath TCP. */
      readonly protocol?: number;
      /** Interface to bind to. */
      readonly device?: string;
      readonly v6only?: boolean;
      readonly reuse?: boolean;
      readonly reusePort?: boolean;
      readonly nonblock?: boolean;
      readonly bind?: At;
      readonly listen?: number;
      readonly connect?: At;
    }
  | { readonly op: 'accept'; readonly of: string; readonly as: string }
  | { readonly op: 'listen'; readonly of: string; readonly backlog: number }
  | { readonly op: 'close' | 'shutdown' | 'reset' | 'end' | 'said' | 'settled'; readonly of: string }
  | {
      readonly op: 'spawn';
      readonly as: string;
      readonly file: string;
      readonly args?: readonly string[];
      readonly argv0?: string;
      /** Sockets that the child gets as descriptors 3, 4, … */
      readonly inherit?: readonly string[];
      readonly cwd?: string;
      readonly env?: Readonly<Record<string, string>>;
    }
  | { readonly op: 'write'; readonly path: string; readonly text: string }
  | { readonly op: 'title'; readonly text: string };

/** What came of a program. */
interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** `portolan who PORT --json`. */
export interface WhoV1 {
  readonly format: 'portolan.who/1';
  readonly port: number;
  readonly verdict: string;
  readonly holders: readonly HolderV1[];
  readonly gaps: ReportV1['use']['gaps'];
}

/** `portolan list --json`. */
export interface ListV1 {
  readonly format: 'portolan.list/1';
  readonly holders: readonly HolderV1[];
  readonly gaps: ReportV1['use']['gaps'];
}

/** A process that opens sockets as told. */
export class Robot {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #stderr: string[] = [];
  /** Its pid, as the namespace's programs see it. */
  pid = 0;

  constructor(child: ChildProcess) {
    this.#child = child;
    if (child.stdout === null) throw new Error('a robot without stdout');
    child.stderr?.on('data', (text: Buffer) => this.#stderr.push(text.toString()));
    // Writing to a robot that has died is told by its missing answer.
    child.stdin?.on('error', () => undefined);
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  }

  async started(): Promise<void> {
    this.pid = ((await this.#answer()) as { ready: number }).ready;
  }

  /** Does the steps in order and gives each one's result: a port for `open`, a pid for `spawn`. */
  async steps(...steps: readonly Step[]): Promise<(number | null)[]> {
    this.#child.stdin?.write(`${JSON.stringify(steps)}\n`);
    const answer = (await this.#answer()) as { results?: (number | null)[]; error?: string };
    if (answer.results === undefined) throw new Error(`robot: ${answer.error}`);
    return answer.results;
  }

  /** One step that gives a number. */
  async step(step: Step): Promise<number> {
    const [result] = await this.steps(step);
    return result ?? 0;
  }

  /** Ends it and waits until it is gone with all its sockets. */
  async end(): Promise<void> {
    const gone = new Promise<void>((resolve) => {
      if (this.#child.exitCode !== null || this.#child.signalCode !== null) resolve();
      else this.#child.once('exit', () => resolve());
    });
    this.#child.kill('SIGKILL');
    await gone;
  }

  async #answer(): Promise<unknown> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => reject(new Error(`a robot gave no answer. ${this.#stderr.join('')}`)),
        START_MS,
      );
    });
    try {
      const line = await Promise.race([this.#lines.next(), late]);
      if (line.done === true) throw new Error(`a robot died. ${this.#stderr.join('')}`);
      return JSON.parse(line.value);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** A network namespace that lives as long as its first process. */
export class Namespace {
  readonly #ownPids: boolean;
  readonly #program: string;
  readonly #children = new Set<ChildProcess>();
  readonly #closing: (() => void | Promise<void>)[] = [];
  #enter: readonly string[] = [];
  /** `net:[INODE]` of the namespace. */
  #net = '';
  #robot: Robot | null = null;

  constructor(ownPids: boolean, program: string) {
    this.#ownPids = ownPids;
    this.#program = program;
  }

  /** The first robot. */
  get robot(): Robot {
    if (this.#robot === null) throw new Error('the namespace is not started');
    return this.#robot;
  }

  async start(): Promise<void> {
    const pids = this.#ownPids ? ['--pid', '--fork', '--mount-proc', '--kill-child=SIGKILL'] : [];
    const script = 'ip link set lo up && exec "$0" "$1"';
    const args = [...UNSHARE, ...pids, 'sh', '-c', script, this.#program, scenario('robot.mjs')];
    const child = this.#spawn('unshare', args);
    this.#robot = new Robot(child);
    await this.#robot.started();
    const inside = this.#ownPids ? firstChild(child.pid ?? 0) : (child.pid ?? 0);
    this.#net = readlinkSync(`/proc/${inside}/ns/net`);
    this.#enter = [
      `--target=${inside}`,
      '--net',
      ...(isRoot ? [] : ['--user', '--preserve-credentials']),
      ...(this.#ownPids ? ['--pid', '--mount'] : []),
    ];
  }

  /** Another robot in the same namespace. */
  async addRobot(): Promise<Robot> {
    const robot = new Robot(
      this.#spawn('nsenter', [...this.#enter, process.execPath, scenario('robot.mjs')]),
    );
    await robot.started();
    return robot;
  }

  /** Starts a program inside that talks over stdin and stdout and ends with stdin. */
  background(file: string, args: readonly string[]): ChildProcess {
    return this.#spawn('nsenter', [...this.#enter, file, ...args]);
  }

  /** What enters the namespace when it is put before a command. */
  get door(): readonly string[] {
    return ['nsenter', ...this.#enter];
  }

  /** Runs any program inside to its end. */
  run(file: string, args: readonly string[], as: { uid?: number } = {}): Promise<Ran> {
    const ids = as.uid === undefined ? [] : [`--setuid=${as.uid}`, `--setgid=${as.uid}`];
    const child = this.#spawn('nsenter', [...this.#enter, ...ids, file, ...args]);
    child.stdin?.end();
    return finished(child);
  }

  /** Runs the built program, with options for Node where there are any. */
  portolan(
    args: readonly string[],
    { node = [], ...as }: { uid?: number; node?: readonly string[] } = {},
  ): Promise<Ran> {
    return this.run(process.execPath, [...node, BIN, ...args], as);
  }

  /** `who PORT --json`, its exit code checked against its verdict. */
  async who(port: number | string, args: readonly string[] = [], as: { uid?: number } = {}): Promise<WhoV1> {
    // Other tests run in namespaces of their own at the same time.
    const ran = await this.portolan(['who', String(port), '--json', '--here', ...args], as);
    const answer = parse<WhoV1>(ran);
    expect(answer.format).toBe('portolan.who/1');
    const code = { held: 0, free: 1, unknown: 3 }[answer.verdict];
    expect(ran.code, `exit code for verdict ${answer.verdict}`).toBe(code);
    return answer;
  }

  /** `list --json`. */
  async list(args: readonly string[] = [], as: { uid?: number } = {}): Promise<ListV1> {
    const ran = await this.portolan(['list', '--json', '--here', ...args], as);
    expect(ran.code, ran.stderr).toBe(0);
    const answer = parse<ListV1>(ran);
    expect(answer.format).toBe('portolan.list/1');
    return answer;
  }

  /** `PORT --json`. */
  async report(port: number | string): Promise<ReportV1> {
    const ran = await this.portolan([String(port), '--json', '--here']);
    expect(ran.code, ran.stderr).toBe(0);
    const answer = parse<ReportV1>(ran);
    expect(answer.format).toBe('portolan.report/1');
    return answer;
  }

  /** Snapshots of the built probe, by default of everything; one process makes all of them. */
  async look(...requests: readonly Partial<ProbeRequest>[]): Promise<Snapshot[]> {
    const full = requests.map((request) => ({
      ports: null,
      transports: USUAL,
      namespaces: false,
      ...request,
    }));
    const ran = await this.run(process.execPath, [scenario('look.mjs'), JSON.stringify(full)]);
    expect(ran.code, ran.stderr).toBe(0);
    return parse<Snapshot[]>(ran);
  }

  /** Something to be undone when the test ends, after every process has ended. */
  finally(undo: () => void | Promise<void>): void {
    this.#closing.push(undo);
  }

  /** Ends every process and undoes what was asked to be undone. */
  async close(): Promise<void> {
    const ends = [...this.#children].map(
      (child) =>
        new Promise<void>((resolve) => {
          if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) resolve();
          else child.once('exit', () => resolve());
        }),
    );
    for (const child of this.#children) {
      child.stdin?.destroy();
      child.kill('SIGKILL');
    }
    await Promise.all(ends);
    this.#endOrphans();
    for (const undo of this.#closing.toReversed()) await undo();
  }

  /** Children of robots outlive them, and would hold the namespace for as long as the machine runs. */
  #endOrphans(): void {
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      try {
        if (readlinkSync(`/proc/${pid}/ns/net`) === this.#net) process.kill(Number(pid), 'SIGKILL');
      } catch {
        // Gone meanwhile, or not ours to look at: then it is none of ours.
      }
    }
  }

  #spawn(file: string, args: readonly string[]): ChildProcess {
    const child = spawn(file, args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      // No home: what its owner has downloaded is not for these tests.
      env: { ...process.env, HOME: NOWHERE, XDG_DATA_HOME: NOWHERE, NO_COLOR: '1', LC_ALL: 'C.UTF-8' },
    });
    this.#children.add(child);
    child.once('exit', () => this.#children.delete(child));
    return child;
  }
}

/** The only child of a process. */
function firstChild(pid: number): number {
  const found = Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')[0]);
  if (!(found > 0)) throw new Error(`process ${pid} has no child`);
  return found;
}

/** Waits for the end of a process, collecting what it prints. */
function finished(child: ChildProcess): Promise<Ran> {
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout?.on('data', (part: Buffer) => out.push(part));
  child.stderr?.on('data', (part: Buffer) => err.push(part));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      resolve({ code, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() });
    });
  });
}

function parse<T>(ran: Ran): T {
  try {
    return JSON.parse(ran.stdout) as T;
  } catch (cause) {
    throw new Error(`no JSON; exit ${ran.code}\nstdout: ${ran.stdout}\nstderr: ${ran.stderr}`, { cause });
  }
}

/** Waits for a while. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

/** The pids of a holder's owners. */
export function pidsOf(holder: Pick<HolderV1, 'owners'> | undefined): number[] {
  return (holder?.owners ?? []).map((owner) => owner.pid);
}

/** Exactly one of something, or an error that shows all. */
export function only<T>(items: readonly T[]): T {
  const [first] = items;
  if (first === undefined || items.length !== 1) {
    throw new Error(`one was expected, there are ${items.length}: ${JSON.stringify(items, null, 1)}`);
  }
  return first;
}
