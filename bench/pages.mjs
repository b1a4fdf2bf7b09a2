// `npm run bench:pages [-- PORTS [ROUNDS]]`: pages a CPU second, the time of an answer in process, and an export of all
// ports (or the first PORTS) beside Eleventy calling the same template.
//
// Both exports run one after the other in one run, with the same pages from the same modules; Eleventy is fetched into a
// folder of its own and is no dependency. The CPU seconds, the wall clock and the peak of resident memory are the
// kernel's (`getrusage`), the median of three rounds in turn.
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ROOT, setUp } from '../tools/setup.mjs';

await setUp();

const ELEVENTY = '@11ty/eleventy@3.1.8';
const PORTS = Number(process.argv[2] ?? 65_536);
const ROUNDS = Number(process.argv[3] ?? 3);

const module = (path) => pathToFileURL(join(ROOT, 'packages', path)).href;
const { openFacts } = await import(module('facts/dist/load.js'));
const { makeSite } = await import(module('site/dist/site.js'));
const { fileLinks } = await import(module('site/dist/links.js'));
const { loadTranslator, PAGE_LANGUAGES, pageHtml } = await import(module('core/dist/web.js'));

const env = { ...process.env };
// It makes every start of Node longer and has nothing to do with what is measured.
delete env.NODE_EXTRA_CA_CERTS;

const SHIPPED = join(ROOT, 'packages/portolan/dist/facts');

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

/** Pages a CPU second, view model and HTML, over ports from the whole range. */
async function rate() {
  const facts = openFacts({
    shipped: SHIPPED,
    dataDir: null,
    whole: true,
  });
  const site = makeSite(facts, 'portolan');
  const lang = await loadTranslator('en', 'pages');
  const links = fileLinks('en', '/ports/1', null);
  const memo = new Map();
  const one = (port) => {
    const page = site.portPage(port, null, null);
    return pageHtml(page, {
      lang,
      dir: 'ltr',
      languages: PAGE_LANGUAGES,
      links,
      outlet: 'static',
      feedback: null,
      find: null,
      live: null,
      marked: new Set(),
      memo,
    }).length;
  };
  const rates = [];
  let bytes = 0;
  for (let round = 0; round < ROUNDS + 1; round++) {
    const before = process.cpuUsage();
    for (let port = round; port < 65_536; port += 5) bytes += one(port);
    const { user, system } = process.cpuUsage(before);
    rates.push(Math.ceil((65_536 - round) / 5) / ((user + system) / 1e6));
  }
  const single = [];
  for (let round = 0; round < 200; round++) {
    const start = performance.now();
    one((round * 331) % 65_536);
    single.push(performance.now() - start);
  }
  facts.close();
  // The first round is that of code which is not compiled yet.
  return { rate: median(rates.slice(1)), first: rates[0], single: median(single), bytes };
}

/**
 * Milliseconds of an answer in process: the application's `fetch` with everything behind it but the sockets. The host is a
 * fake one of 500 listeners that the visitor may see, looked at anew for each page.
 */
async function answers() {
  const facts = openFacts({ shipped: SHIPPED, dataDir: null, whole: true });
  const { makeApp } = await import(module('site/dist/server/app.js'));
  const sockets = Array.from({ length: 500 }, (_, index) => listener((index * 662) % 65_536));
  const look = async (ports) => ({
    platform: 'linux',
    release: '6.18.0',
    takenAt: '2026-01-01T00:00:00.000Z',
    via: 'procfs',
    sockets:
      ports === null
        ? sockets
        : sockets.filter(({ local }) => local.port >= ports[0] && local.port <= ports[1]),
    redirects: [],
    limits: { ephemeral: [32_768, 60_999], reserved: [], unprivilegedFrom: 1024 },
    ephemeralUse: null,
    gaps: [],
  });
  let clock = 0;
  const app = makeApp({
    site: makeSite(facts, 'portolan'),
    host: { name: 'bench', look, audit: async () => [] },
    assets: new Map(),
    port: 4650,
    visitors: { maySee: () => true, isOwn: () => true, uidOf: () => 0 },
    keys: {},
    feedback: { note: async () => undefined },
    schema: { $defs: {} },
    version: '0.0.0',
    // What was seen is kept for a moment; a clock that runs ahead makes each page look again.
    now: () => (clock += 60_000),
    onFault: (error) => {
      throw error;
    },
  });
  const times = [];
  for (let round = 0; round < 1200; round++) {
    const start = performance.now();
    const answer = await app.fetch(new Request(`http://127.0.0.1:4650/en/ports/${(round * 331) % 65_536}`), {
      incoming: { headers: {}, socket: {} },
      outgoing: {},
    });
    const text = await answer.text();
    times.push(performance.now() - start);
    if (answer.status !== 200 || !text.includes('>bench<'))
      throw new Error(`no page of a host: ${answer.status}`);
  }
  facts.close();
  const later = times.slice(200).toSorted((a, b) => a - b);
  return { first: times[0], median: later[500], p99: later[990] };
}

/** A socket that listens, as the probe tells of it. */
function listener(port) {
  return {
    transport: 'tcp',
    family: 'ipv4',
    local: { address: '127.0.0.1', port },
    peer: null,
    state: 'listen',
    inode: port,
    uid: 1000,
    user: 'user',
    freeInMs: null,
    ipv6Only: null,
    owners: [],
    ownersComplete: true,
    moreOwners: false,
    kernel: false,
    namespace: null,
    device: null,
    mptcp: false,
    activation: null,
    publishes: null,
  };
}

/** Runs a command and reads what the kernel counted of it. */
function measured(command, args, options) {
  const result = spawnSync('/bin/bash', ['-c', 'TIMEFORMAT="%R %U %S"; time "$0" "$@"', command, ...args], {
    encoding: 'utf8',
    env,
    ...options,
  });
  if (result.status !== 0)
    throw new Error(`${command} ${args.join(' ')}\n${result.stdout}\n${result.stderr}`);
  const [wall, user, system] = result.stderr.trim().split('\n').at(-1).split(' ').map(Number);
  return { wall, cpu: user + system };
}

/** A module that Node loads before a program, which tells the peak of its resident memory at its end. */
const PEAK = `process.on('exit', () => require('node:fs').writeFileSync(process.env.PEAK_FILE, String(process.resourceUsage().maxRSS)));`;

const folder = mkdtempSync(join(tmpdir(), 'portolan-bench-'));
try {
  const { rate: pages, first, single } = await rate();
  process.stdout.write(`load ${loadavg()[0].toFixed(1)}\n`);
  process.stdout.write(
    `view model and HTML: ${Math.round(pages)} pages a CPU second (first round ${Math.round(first)}); one page ${single.toFixed(2)} ms\n`,
  );

  const { first: firstAnswer, median: usual, p99 } = await answers();
  process.stdout.write(
    `a port page of a live host in process: ${usual.toFixed(2)} ms, 99th of 100 ${p99.toFixed(2)} ms, the very first ${firstAnswer.toFixed(0)} ms (wanted under 5 ms)\n`,
  );

  writeFileSync(join(folder, 'peak.cjs'), PEAK);
  const eleventy = join(folder, 'eleventy');
  mkdirSync(join(eleventy, 'in'), { recursive: true });
  writeFileSync(join(eleventy, 'package.json'), '{"type":"module"}');
  const got = spawnSync(
    'npm',
    ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error', ELEVENTY],
    {
      cwd: eleventy,
      env,
      encoding: 'utf8',
    },
  );
  const has = got.status === 0 && existsSync(join(eleventy, 'node_modules', '@11ty', 'eleventy', 'cmd.cjs'));
  if (!has)
    process.stdout.write(`Eleventy could not be fetched, so that nothing stands beside the export.\n`);
  writeFileSync(join(eleventy, 'in', 'page.11ty.js'), eleventyTemplate());
  writeFileSync(join(folder, 'ours.mjs'), oursProgram());

  const peak = (name, run) => {
    const file = join(folder, `${name}.peak`);
    const result = run({ ...env, PEAK_FILE: file, NODE_OPTIONS: `--require ${join(folder, 'peak.cjs')}` });
    return { ...result, memory: Number(readPeak(file)) / 1024 };
  };
  const ways = {
    Portolan: () =>
      peak('ours', (more) =>
        measured(process.execPath, [join(folder, 'ours.mjs'), join(folder, 'out-ours')], { env: more }),
      ),
    ...(has
      ? {
          Eleventy: () =>
            peak('eleventy', (more) =>
              measured(
                process.execPath,
                [
                  '--max-old-space-size=8192',
                  'node_modules/@11ty/eleventy/cmd.cjs',
                  '--input=in',
                  '--output=../out-eleventy',
                  '--quiet',
                ],
                { cwd: eleventy, env: more },
              ),
            ),
        }
      : {}),
  };
  const results = Object.fromEntries(Object.keys(ways).map((name) => [name, []]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, way] of Object.entries(ways)) {
      for (const out of ['out-ours', 'out-eleventy'])
        rmSync(join(folder, out), { recursive: true, force: true });
      results[name].push(way());
      const out = join(folder, name === 'Portolan' ? 'out-ours' : 'out-eleventy', 'en', 'ports');
      const made = readdirSync(out).length;
      if (made !== PORTS) throw new Error(`${name} made ${made} pages of ${PORTS}`);
    }
  }
  for (const [name, rounds] of Object.entries(results)) {
    const of = (key) => median(rounds.map((round) => round[key]));
    process.stdout.write(
      `${name}: ${PORTS} pages in ${of('wall').toFixed(1)} s, ${of('cpu').toFixed(1)} CPU s, ${Math.round(of('memory'))} MB\n`,
    );
  }
  if (has) {
    const of = (name, key) => median(results[name].map((round) => round[key]));
    process.stdout.write(
      `wall ${(of('Eleventy', 'wall') / of('Portolan', 'wall')).toFixed(1)}× (wanted 4×), memory ${(of('Portolan', 'memory') / of('Eleventy', 'memory')).toFixed(3)} of Eleventy's (wanted 0.1)\n`,
    );
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function readPeak(file) {
  return readFileSync(file, 'utf8');
}

/** The pages of ports alone, as the export writes them; a reduced number by the scope that leaves ports out. */
function oursProgram() {
  return `
import { exportFiles } from '${module('site/dist/export/files.js')}';
import { makeSite } from '${module('site/dist/site.js')}';
import { openFacts } from '${module('facts/dist/load.js')}';
const facts = openFacts({ shipped: ${JSON.stringify(SHIPPED)}, dataDir: null, whole: true });
const made = makeSite(facts, 'portolan');
const flags = new Uint8Array(65_536).fill(255, 0, ${PORTS});
const site = ${PORTS} === 65_536 ? { ...made, paths: () => [] } : { ...made, paths: () => [], atlas: { ...made.atlas, flags } };
const plan = { site, assets: new Map(), languages: ['en'], scope: ${PORTS} === 65_536 ? 'all' : 'claimed', data: false, base: null, root: '', feedback: null, schema: { $defs: {} }, version: '0' };
await exportFiles(process.argv[2], plan, { file: ${JSON.stringify(join(ROOT, 'packages/portolan/dist/export-mate.cjs'))}, shipped: ${JSON.stringify(SHIPPED)}, dataDir: null }, () => {}, new AbortController().signal);
`;
}

function eleventyTemplate() {
  return `
import { makeSite } from '${module('site/dist/site.js')}';
import { fileLinks } from '${module('site/dist/links.js')}';
import { openFacts } from '${module('facts/dist/load.js')}';
import { loadTranslator, PAGE_LANGUAGES, pageHtml } from '${module('core/dist/web.js')}';
const facts = openFacts({ shipped: ${JSON.stringify(SHIPPED)}, dataDir: null, whole: true });
const site = makeSite(facts, 'portolan');
const lang = await loadTranslator('en', 'pages');
const links = fileLinks('en', '/ports/1', null);
const memo = new Map();
export const data = {
  pagination: { data: 'ports', size: 1, alias: 'port' },
  ports: Array.from({ length: ${PORTS} }, (_, port) => port),
  permalink: (all) => 'en/ports/' + all.port + '.html',
};
export function render({ port }) {
  return pageHtml({ ...site.portPage(port, null, null), data: null }, { lang, dir: 'ltr', languages: PAGE_LANGUAGES, links, outlet: 'static', feedback: null, find: null, live: null, marked: new Set(), memo });
}
`;
}
