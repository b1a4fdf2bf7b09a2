// Random sets of sockets, by seed, seen in every way the program has, and beside them the kernel's own tables and
// descriptors read by other code. `npm run soak -- --minutes 30 --seed 7` runs the same for longer.
import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Socket } from '@portolan/core';
import { expect } from 'vitest';
import { gapsWithoutNative, liveTest, type Namespace, type Robot, scenario } from './namespace.ts';

/** Sets a world lives through before the next one begins. */
const SETS = 120;
/** Ports of a world: more than it has changes; those of the world before may still be closing. */
const PORTS = 750;
const SEED = Number(process.env['PORTOLAN_SOAK_SEED'] ?? 60_163);
/** Within a test run: some hundred to some thousand sets, as busy as the machine is. */
const MINUTES = Number(process.env['PORTOLAN_SOAK_MINUTES'] ?? 0.5);
const SOAKING = process.env['PORTOLAN_SOAK_MINUTES'] !== undefined;

const WAYS = [
  { name: 'all', request: { namespaces: false } },
  { name: 'without BPF', request: { namespaces: false, bpf: false } },
  { name: 'without native code', request: { namespaces: false, ffi: false } },
] as const;

type Row = Omit<Socket, 'owners'> & { readonly owners: readonly number[] };

interface Answer {
  readonly snapshots: readonly { readonly gaps: readonly string[]; readonly rows: readonly Row[] }[];
  readonly tables: readonly (readonly [string, string, number, number, number, number, string])[];
  readonly owners: Readonly<Record<string, readonly number[]>>;
}

/** The process that looks. */
class Witness {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(ns: Namespace) {
    this.#child = ns.background(process.execPath, [scenario('witness.mjs')]);
    if (this.#child.stdout === null) throw new Error('a witness without stdout');
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  async ready(): Promise<void> {
    await this.#lines.next();
  }

  end(): void {
    this.#child.kill('SIGKILL');
  }

  async look(): Promise<Answer> {
    this.#child.stdin?.write(`${JSON.stringify(WAYS.map(({ request }) => request))}\n`);
    const line = await this.#lines.next();
    if (line.done === true) throw new Error('the witness died');
    return JSON.parse(line.value) as Answer;
  }
}

/** Numbers from 0 to 1 that a seed decides (mulberry32, public domain). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

interface Known {
  readonly robot: Robot;
  readonly name: string;
}

interface Listener extends Known {
  readonly family: 'ipv4' | 'ipv6';
  readonly address: string;
  readonly port: number;
  readonly dual: boolean;
}

/** Sockets of some robots, changed a little at a time. */
class World {
  readonly #next: () => number;
  readonly #robots: readonly Robot[];
  readonly #listeners: Listener[] = [];
  readonly #others: Known[] = [];
  readonly #children: Known[] = [];
  #made = 0;

  /** First of the ports it uses. */
  readonly #from: number;

  constructor(seed: number, robots: readonly Robot[], from: number) {
    this.#next = random(seed);
    this.#robots = robots;
    this.#from = from;
  }

  #pick<T>(items: readonly T[]): T {
    return items[Math.floor(this.#next() * items.length)] as T;
  }

  #take<T>(items: T[]): T | undefined {
    return items.splice(Math.floor(this.#next() * items.length), 1)[0];
  }

  /** A handful of changes. */
  async change(): Promise<void> {
    for (let count = 1 + Math.floor(this.#next() * 5); count > 0; count--) await this.#step();
  }

  async #step(): Promise<void> {
    const full = this.#listeners.length + this.#others.length > 60;
    const close = ['close', 'close', 'reset', 'end'] as const;
    const open = [
      'listen',
      'listen',
      'share',
      'bound',
      'udp',
      'udp-to',
      'connect',
      'connect',
      'connect',
    ] as const;
    const what = this.#pick<string>(full ? close : [...open, ...open, ...close, 'inherit']);
    const robot = this.#pick(this.#robots);
    const name = `s${this.#made++}`;
    // No port is used twice: an earlier one may still be closing.
    const port = this.#from + this.#made;
    const family = this.#pick(['ipv4', 'ipv6'] as const);
    const address =
      family === 'ipv4' ? this.#pick(['127.0.0.1', '127.0.0.2', '0.0.0.0']) : this.#pick(['::1', '::']);
    const v6only = family === 'ipv6' ? { v6only: this.#next() < 0.5 } : {};
    const socket = { op: 'open', as: name, family, ...v6only } as const;
    const loopback = family === 'ipv4' ? '127.0.0.1' : '::1';
    switch (what) {
      case 'listen': {
        await robot.step({ ...socket, type: 'tcp', bind: [address, port], listen: 8 });
        const dual = address === '::' && 'v6only' in v6only && !v6only.v6only;
        this.#listeners.push({ robot, name, family, address, port, dual });
        return;
      }
      case 'share': {
        const second = this.#pick(this.#robots);
        const shared = { ...socket, type: 'tcp', reusePort: true, bind: [address, port], listen: 2 } as const;
        await robot.step(shared);
        await second.step({ ...shared, as: `${name}b` });
        this.#others.push({ robot, name }, { robot: second, name: `${name}b` });
        return;
      }
      case 'bound':
        await robot.step({ ...socket, type: 'tcp', bind: [address, port] });
        this.#others.push({ robot, name });
        return;
      case 'udp':
        await robot.step({ ...socket, type: 'udp', bind: [address, port] });
        this.#others.push({ robot, name });
        return;
      case 'udp-to':
        await robot.step({ ...socket, type: 'udp', bind: [loopback, port], connect: [loopback, 9] });
        this.#others.push({ robot, name });
        return;
      case 'connect':
        await this.#connect(robot, name);
        return;
      case 'inherit': {
        const from = this.#pick([...this.#listeners, ...this.#others]);
        if (from === undefined) return;
        const inherit = this.#next() < 0.5 ? [from.name] : [from.name, from.name];
        await from.robot.steps(
          { op: 'spawn', as: name, file: 'sleep', args: ['3600'], inherit },
          // Until it is another program it still has what its parent has.
          { op: 'settled', of: name },
        );
        this.#children.push({ robot: from.robot, name });
        return;
      }
      case 'end': {
        const child = this.#take(this.#children);
        if (child !== undefined) await child.robot.step({ op: 'end', of: child.name });
        return;
      }
      default: {
        const gone = this.#next() < 0.3 ? this.#take(this.#listeners) : this.#take(this.#others);
        if (gone !== undefined)
          await gone.robot.step({ op: what === 'reset' ? 'reset' : 'close', of: gone.name });
      }
    }
  }

  async #connect(robot: Robot, name: string): Promise<void> {
    const server = this.#pick(this.#listeners);
    if (server === undefined) return;
    const family = server.dual && this.#next() < 0.5 ? 'ipv4' : server.family;
    const wildcard = server.address === '0.0.0.0' || server.address === '::';
    const target = wildcard ? (family === 'ipv4' ? '127.0.0.1' : '::1') : server.address;
    await robot.step({ op: 'open', as: name, family, type: 'tcp', connect: [target, server.port] });
    const accepted = `${name}a`;
    await server.robot.step({ op: 'accept', of: server.name, as: accepted });
    const ends: Known[] = [
      { robot, name },
      { robot: server.robot, name: accepted },
    ];
    // Either end may go first, or both, or none.
    const order = this.#next() < 0.5 ? ends : ends.toReversed();
    for (const end of order) {
      if (this.#next() < 0.6) this.#others.push(end);
      else await end.robot.step({ op: 'close', of: end.name });
    }
  }
}

const STATES: Readonly<Record<string, number>> = {
  ESTABLISHED: 1,
  SYN_SENT: 2,
  SYN_RECV: 3,
  FIN_WAIT1: 4,
  FIN_WAIT2: 5,
  TIME_WAIT: 6,
  CLOSE: 7,
  UNCONN: 7,
  CLOSE_WAIT: 8,
  LAST_ACK: 9,
  LISTEN: 10,
  CLOSING: 11,
  NEW_SYN_RECV: 12,
};

/** What is wrong with an answer, in words; empty where all agrees. */
function faults({ snapshots, tables, owners }: Answer): string[] {
  const found: string[] = [];
  const kernel = tables
    .map(
      ([transport, family, port, peer, state, inode]) =>
        `${transport} ${family} ${port} ${peer} ${state} ${inode}`,
    )
    .toSorted();
  const [first] = snapshots;
  for (const [index, { rows, gaps }] of snapshots.entries()) {
    const way = WAYS[index]?.name ?? '';
    const files = way === 'without native code';
    const listed = rows.filter(({ state }) => state !== 'BOUND');
    const ours = listed
      .map(
        ({ transport, family, local, peer, state, inode }) =>
          `${transport} ${family} ${local.port} ${peer?.port ?? 0} ${STATES[state]} ${inode}`,
      )
      .toSorted();
    if (ours.join('\n') !== kernel.join('\n')) {
      found.push(`${way}: rows: ${difference(ours, kernel)}`);
    }
    for (const { inode, local, owners: shown, namespace, state } of rows) {
      const wanted = inode === 0 ? [] : (owners[inode] ?? []).toSorted((a, b) => a - b);
      if (shown.join() !== wanted.join())
        found.push(
          `${way}: owners of ${local.port} ${state} (${inode}): ${shown.join()} for ${wanted.join()}`,
        );
      if (namespace !== null) found.push(`${way}: ${local.port} is elsewhere`);
    }
    const wantedGaps = files ? gapsWithoutNative() : [];
    if (gaps.join() !== wantedGaps.join()) found.push(`${way}: gaps: ${gaps.join()}`);
    // Beyond what the kernel's files have, all ways with native code agree in everything but the time left.
    if (!files && index > 0) {
      const whole = (all: readonly Row[]): string[] =>
        all
          .map((row) => JSON.stringify({ ...row, freeInMs: row.freeInMs !== null, ownersComplete: true }))
          .toSorted();
      const [a, b] = [whole(rows), whole(first?.rows ?? [])];
      if (a.join() !== b.join()) found.push(`${way}: ${difference(a, b)}`);
    }
  }
  return found;
}

function difference(ours: readonly string[], theirs: readonly string[]): string {
  const more = ours.filter((row) => !theirs.includes(row)).slice(0, 3);
  const less = theirs.filter((row) => !ours.includes(row)).slice(0, 3);
  return `more: ${more.join('; ')}; less: ${less.join('; ')}`;
}

/** One world from its beginning; throws with the seed where anything differs. Gives how many rows were compared. */
async function live(ns: Namespace, seed: number, until: number): Promise<{ sets: number; rows: number }> {
  // In every fourth world there are so many descriptors that BPF is used, which makes every other look dearer.
  const crowd = seed % 4 === 0 ? ns.background(process.execPath, [scenario('crowd.mjs'), '2100']) : null;
  if (crowd !== null) await new Promise((resolve) => crowd.stdout?.once('data', resolve));
  const robots = [await ns.addRobot(), await ns.addRobot(), await ns.addRobot()];
  const witness = new Witness(ns);
  await witness.ready();
  const world = new World(seed, robots, 1024 + PORTS * (seed % 40));
  let rows = 0;
  let sets = 0;
  for (; sets < SETS && Date.now() < until; sets++) {
    await world.change();
    let answer = await witness.look();
    let wrong = faults(answer);
    // A timer may run out between two ways of looking; then the next look agrees.
    for (let again = 0; wrong.length > 0 && again < 2; again++) {
      answer = await witness.look();
      wrong = faults(answer);
    }
    expect(wrong, `npm run soak -- --seed ${seed}: set ${sets}: ${wrong.slice(0, 5).join('\n')}`).toEqual([]);
    rows += answer.tables.length;
  }
  witness.end();
  crowd?.kill('SIGKILL');
  await Promise.all(robots.map((robot) => robot.end()));
  return { sets, rows };
}

liveTest(
  `random sets of sockets are seen alike in every way, from seed ${SEED}`,
  {
    needs: ['root', 'sleep'],
    timeout: MINUTES * 60_000 + 240_000,
  },
  async (ns) => {
    const end = Date.now() + MINUTES * 60_000;
    let sets = 0;
    let rows = 0;
    for (let seed = SEED; Date.now() < end; seed++) {
      const lived = await live(ns, seed, end);
      sets += lived.sets;
      rows += lived.rows;
      if (SOAKING) process.stderr.write(`soak: seed ${seed} done, ${sets} sets, ${rows} rows so far\n`);
    }
    expect(sets).toBeGreaterThan(10);
    expect(rows).toBeGreaterThan(sets * 5);
  },
);
