// One regime in the network namespace that this process is in: makes the load, asks the forecast, goes on with the load,
// and tries ports as a service would. node trial.mjs INDEX SEED; prints a line of JSON for each part asked about.
import { setTimeout as sleep } from 'node:timers/promises';
import { REGIMES } from './regimes.mjs';
import { bind, close, listen, open } from './sockets.mjs';

const { cellOf } = await import(new URL('../../packages/core/dist/index.js', import.meta.url).href);
const { report } = await import(new URL('../../packages/portolan/dist/index.js', import.meta.url).href);

const RANGE = [32_768, 60_999];
const TRIALS = 200;
/** A minute and some, so that as many sockets leave TIME_WAIT as come into it. */
const REST_SECONDS = 66;
const HORIZON_SECONDS = 30;

const regime = REGIMES[Number(process.argv[2])];
const random = generator(Number(process.argv[3]));

/** mulberry32: the same draws for the same seed. */
function generator(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Runs the load at its rate for so long; gives every port that was taken. */
async function run(load, seconds) {
  const taken = new Set();
  const begun = performance.now();
  for (let done = 0; ; ) {
    const due = Math.floor(((performance.now() - begun) / 1000) * regime.perSecond);
    for (; done < due; done++) for (const port of load.step()) taken.add(port);
    if (performance.now() - begun > seconds * 1000) return taken;
    await sleep(5);
  }
}

/** Different ports of the part, as many as there are trials, drawn evenly. */
function draw(part, keep) {
  const ports = new Set();
  for (let tries = 0; ports.size < TRIALS && tries < 1e6; tries++) {
    const port = RANGE[0] + Math.floor(random() * (RANGE[1] - RANGE[0] + 1));
    if (part.transport === 'tcp' && cellOf(port, RANGE) !== part.cell) continue;
    if (keep(port)) ports.add(port);
  }
  return [...ports];
}

/** Can a service on all addresses have the port? */
function isFree(transport, port) {
  const fd = open(transport === 'tcp' ? 1 : 2, { reuse: transport === 'tcp' });
  const free = bind(fd, '0.0.0.0', port) && (transport === 'udp' || listen(fd, 1));
  close(fd);
  return free;
}

async function foretold(part) {
  const [port] = draw(part, () => true);
  const { risks } = await report(port, { transports: [part.transport] });
  const risk = risks.find(({ id }) => id === 'ephemeral-overlap');
  return { chance: risk.chance, first: risk.firstTakenSeconds };
}

const load = regime.load(random);
load.begin?.();
await run(load, REST_SECONDS);
const plans = [];
for (const part of regime.asked) {
  const free = draw(part, (port) => isFree(part.transport, port));
  plans.push({ part, free, ...(await foretold(part)) });
}
const taken = await run(load, HORIZON_SECONDS);
for (const { part, free, chance, first } of plans) {
  const tried = draw(part, () => true);
  const line = {
    part,
    chance,
    found: tried.filter((port) => !isFree(part.transport, port)).length,
    tried: tried.length,
    first,
    within: first === null ? null : 1 - Math.exp(-HORIZON_SECONDS / first),
    takenWithin: free.filter((port) => taken.has(port)).length,
    free: free.length,
  };
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
process.exit(0);
