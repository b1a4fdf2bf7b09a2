// `npm run forecast`: holds the forecast against the running kernel, each regime in a network namespace of its own, and
// prints the table of docs/forecast.md. Root; takes about two minutes.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { setUp } from '../../tools/setup.mjs';
import { REGIMES } from './regimes.mjs';

const TRIAL = fileURLToPath(new URL('./trial.mjs', import.meta.url));
const SETUP = [
  'ip link set lo up',
  // What leaves the machine is not reused, unlike loopback by default; here loopback stands for the network.
  'echo 0 > /proc/sys/net/ipv4/tcp_tw_reuse',
  'echo 65535 > /proc/sys/net/core/somaxconn',
  'echo 65535 > /proc/sys/net/ipv4/tcp_max_syn_backlog',
  'exec "$0" "$@"',
].join(' && ');

/** 95 % of a binomial proportion (Clopper and Pearson, 1934), by bisection of its distribution. */
function interval(count, total) {
  const cdf = (k, p) => {
    let sum = 0;
    let term = Math.log1p(-p) * total;
    for (let i = 0; i <= k; i++) {
      if (i > 0) term += Math.log((total - i + 1) / i) + Math.log(p) - Math.log1p(-p);
      sum += Math.exp(term);
    }
    return sum;
  };
  const root = (target, f) => {
    let [low, high] = [0, 1];
    for (let i = 0; i < 60; i++) {
      const middle = (low + high) / 2;
      if (f(middle) > target) low = middle;
      else high = middle;
    }
    return low;
  };
  return [
    count === 0 ? 0 : root(0.975, (p) => cdf(count - 1, p)),
    count === total ? 1 : root(0.025, (p) => cdf(count, p)),
  ];
}

function runTrial(index, seed) {
  const apart = ['--net', '--mount', ...(REGIMES[index].init ? ['--pid', '--fork', '--mount-proc'] : [])];
  const command = [process.execPath, TRIAL, String(index), String(seed)];
  const child = spawn('/usr/bin/unshare', [...apart, 'sh', '-c', SETUP, ...command], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let err = '';
  child.stdout.on('data', (text) => (out += text));
  child.stderr.on('data', (text) => (err += text));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      if (code !== 0) reject(new Error(`${REGIMES[index].name}: exit ${code}: ${err}`));
      else
        resolve(
          out
            .trim()
            .split('\n')
            .map((line) => JSON.parse(line)),
        );
    });
  });
}

const percent = (share) => `${(share * 100).toFixed(1)} %`;

/** What was foretold, what was seen, and whether the one lies in the interval of the other. */
function compare(predicted, count, total) {
  if (predicted === null) return ['not told', `${count} of ${total}`, ''];
  const [low, high] = interval(count, total);
  const inside = predicted >= low && predicted <= high;
  return [
    percent(predicted),
    `${percent(count / total)} (${percent(low)} – ${percent(high)})`,
    inside ? 'yes' : '**no**',
  ];
}

const PARTS = { connect: 'even', bindLower: 'odd, lower half', bindUpper: 'odd, upper half' };

await setUp();
const seed = Number(process.argv[2] ?? 1);
const results = await Promise.all(REGIMES.map((_, index) => runTrial(index, seed + index)));
const rows = [
  [
    'load',
    'ports',
    'foretold taken',
    'found taken (95 %)',
    'inside',
    'foretold taken within 30 s',
    'seen (95 %)',
    'inside',
  ],
  Array.from({ length: 8 }, () => '---'),
];
let outside = 0;
for (const [index, lines] of results.entries()) {
  for (const line of lines) {
    const now = compare(line.chance, line.found, line.tried);
    const soon = compare(line.within, line.takenWithin, line.free);
    outside += [now, soon].filter(([, , inside]) => inside === '**no**').length;
    rows.push([REGIMES[index].name, PARTS[line.part.cell] ?? 'UDP, any', ...now, ...soon]);
  }
}
process.stdout.write(`${rows.map((row) => `| ${row.join(' | ')} |`).join('\n')}\n\n`);
process.stdout.write(`${outside} of the foretold values outside the interval (seed ${seed})\n`);
