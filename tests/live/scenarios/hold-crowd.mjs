// Many `portolan pick --hold` at once on few ports, each ended after a moment: by the end of its input, by a signal, or
// by kill -9 wherever it stands. Whoever started them all knows who lives and what each was given, so that a port that is
// given twice is seen without trusting the leases.
// Arguments: the built program, the library's file, processes, picks of each, ports there are, seed.
import { spawn, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const [program, library, crowd, each, room, seed] = process.argv.slice(2);

/** Share of picks that are killed before or after they have told their port. */
const KILLED = 0.4;

let state = Number(seed) >>> 0;
function random() {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return state / 0x1_0000_0000;
}

/** Reserves every number but some that may be picked. */
async function makeRoom() {
  const { pick } = await import(pathToFileURL(library).href);
  const { ports } = await pick({ count: Number(room), transports: ['tcp'] });
  const numbers = ports.map(({ port }) => port).sort((a, b) => a - b);
  const edges = [0, ...numbers, 65_536];
  const runs = edges.slice(1).flatMap((port, index) => {
    const from = edges[index] + 1;
    return port > from ? [`${from}-${port - 1}`] : [];
  });
  writeFileSync('/proc/sys/net/ipv4/ip_local_reserved_ports', runs.join(','));
  return new Set(numbers);
}

const numbers = await makeRoom();
const tally = { picks: 0, kills: 0, twice: 0, outside: 0, failures: [] };
/** Ports by who holds them, from being told to the moment before the end is brought about. */
const held = new Map();

function pickOnce() {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [program, 'pick', '--hold', '-q', '--transport', 'tcp'], {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    let [told, said, ours] = ['', '', false];
    const end = (how) => {
      ours = true;
      for (const [port, holder] of held) if (holder === child) held.delete(port);
      if (how === 'input') child.stdin.end();
      else if (child.kill(how) && how === 'SIGKILL') tally.kills++;
    };
    const early = random() < KILLED / 2 ? setTimeout(end, random() * 1500, 'SIGKILL') : undefined;
    child.stderr.on('data', (part) => {
      said += part;
    });
    child.stdin.on('error', () => undefined);
    child.stdout.on('data', (part) => {
      told += part;
      if (!told.endsWith('\n') || ours) return;
      clearTimeout(early);
      tally.picks++;
      const port = Number(told);
      if (held.has(port)) tally.twice++;
      if (!numbers.has(port)) tally.outside++;
      held.set(port, child);
      const how = random() < KILLED ? 'SIGKILL' : random() < 0.5 ? 'SIGTERM' : 'input';
      setTimeout(end, random() * 200, how);
    });
    child.once('close', (code) => {
      clearTimeout(early);
      if (!ours) tally.failures.push(`exit ${code}: ${said.slice(0, 300)}`);
      resolve();
    });
  });
}

await Promise.all(
  Array.from({ length: Number(crowd) }, async () => {
    for (let turn = 0; turn < Number(each); turn++) await pickOnce();
  }),
);
// Nobody lives any more: every number must be there for the taking again.
const args = ['pick', '--count', room, '--transport', 'tcp', '--json'];
const after = spawnSync(process.execPath, [program, ...args], { encoding: 'utf8' });
const left = JSON.parse(after.stdout).ports.filter(({ port }) => numbers.has(port)).length;
process.stdout.write(`${JSON.stringify({ ...tally, room: numbers.size, left })}\n`);
