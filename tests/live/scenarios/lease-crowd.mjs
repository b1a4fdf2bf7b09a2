// Many processes lease at once, on few ports, while one after another is killed wherever it stands. Each takes down in a
// ledger of its own which port it was given, so that a port given twice is seen without trusting the leases.
// Arguments: the library's file, processes, leases each, ports there are, folder for the ledger, seed.
import { fork } from 'node:child_process';
import { linkSync, mkdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [library, crowd, each, room, ledger, seed] = process.argv.slice(2);

/** Share of leases after which somebody is killed. */
const KILLED = 0.02;

/** A process by pid and start. */
function markOf(pid) {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return /[ZX]/.test(fields[0]) ? null : `${pid} ${fields[19]}`;
  } catch {
    return null;
  }
}

/** Writes down that this process has the port; false where another that lives has it. */
function takeDown(port, mine) {
  const path = join(ledger, String(port));
  const beside = join(ledger, `${mine.replace(' ', '.')}`);
  writeFileSync(beside, mine);
  try {
    for (;;) {
      try {
        linkSync(beside, path);
        return true;
      } catch (error) {
        if (error.code !== 'EEXIST') throw error;
      }
      let other = '';
      try {
        other = readFileSync(path, 'utf8');
      } catch {
        continue;
      }
      if (markOf(other.split(' ')[0]) === other) return false;
      unlinkSync(path);
    }
  } finally {
    unlinkSync(beside);
  }
}

async function work() {
  const { lease } = await import(pathToFileURL(library).href);
  const mine = markOf(process.pid);
  const held = [];
  for (let turn = 0; ; turn++) {
    const got = await lease(`${process.pid}-${turn}`, { project: ledger });
    const once = takeDown(got.port, mine);
    process.send({ port: got.port, once });
    held.push(got);
    if (held.length < 2) continue;
    const last = held.shift();
    unlinkSync(join(ledger, String(last.port)));
    await last.release();
  }
}

/** A number from 0 to below 1, by a seed. */
function randomFrom(start) {
  let state = Number(start) >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 0x1_0000_0000;
  };
}

/** Reserves every number but some that may be leased. */
async function makeRoom(pick) {
  const { ports } = await pick({ count: Number(room), transports: ['tcp'] });
  const numbers = ports.map(({ port }) => port).sort((a, b) => a - b);
  const runs = [];
  let from = 1;
  for (const port of [...numbers, 65_536]) {
    if (port > from) runs.push(`${from}-${port - 1}`);
    from = port + 1;
  }
  writeFileSync('/proc/sys/net/ipv4/ip_local_reserved_ports', runs.join(','));
  return numbers;
}

async function crowded() {
  const { lease, pick } = await import(pathToFileURL(library).href);
  mkdirSync(ledger, { recursive: true });
  const numbers = await makeRoom(pick);
  const random = randomFrom(seed);
  const tally = { leases: 0, kills: 0, twice: 0, outside: 0, failures: [], left: 0, refused: '' };
  const children = new Set();
  const member = (done) =>
    new Promise((resolve) => {
      let count = done;
      const child = fork(new URL(import.meta.url), process.argv.slice(2), {
        env: { ...process.env, LEASE_WORKER: '1' },
        stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      });
      let said = '';
      child.stderr.on('data', (part) => {
        said += part;
      });
      children.add(child);
      child.on('message', ({ port, once }) => {
        count++;
        tally.leases++;
        if (!once) tally.twice++;
        if (!numbers.includes(port)) tally.outside++;
        if (count >= Number(each)) child.kill('SIGKILL');
        // Now and then, and in the middle of whatever it does.
        if (random() < KILLED) setTimeout(killOne, random() * 5);
      });
      child.once('close', (_code, signal) => {
        children.delete(child);
        if (signal !== 'SIGKILL') tally.failures.push(said.slice(0, 500));
        resolve(signal === 'SIGKILL' ? count : Number(each));
      });
    });
  const killOne = () => {
    const all = [...children];
    const victim = all[Math.floor(random() * all.length)];
    if (victim?.kill('SIGKILL') === true) tally.kills++;
  };
  await Promise.all(
    Array.from({ length: Number(crowd) }, async () => {
      for (let done = 0; done < Number(each); ) done = await member(done);
    }),
  );
  // Nobody lives any more: every number must be there for the taking again, and not one more.
  const got = new Set();
  for (let turn = 0; turn < numbers.length; turn++) {
    got.add((await lease(`after-${turn}`, { project: ledger })).port);
  }
  tally.left = numbers.filter((port) => got.has(port)).length;
  try {
    await lease('one too many', { project: ledger });
  } catch (error) {
    tally.refused = error.code;
  }
  process.stdout.write(`${JSON.stringify({ ...tally, room: numbers.length })}\n`);
}

await (process.env.LEASE_WORKER === undefined ? crowded() : work());
