// `npm run bench:pages`: pages a CPU second, and an export of all ports beside Eleventy calling the same template.
//
// Both exports run one after the other in one run, with the same pages from the same modules; Eleventy is fetched into a
// folder of its own and is no dependency. The CPU seconds, the wall clock and the peak of resident memory are the
// kernel's (`getrusage`), the median of three rounds in turn.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
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

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

/** Pages a CPU second, view model and HTML, over ports from the whole range. */
async function rate() {
  const facts = openFacts({
    shipped: join(ROOT, 'packages/portolan/dist/facts'),
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
  process.stdout.write(
    `view model and HTML: ${Math.round(pages)} pages a CPU second (first round ${Math.round(first)}); one page ${single.toFixed(2)} ms\n`,
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
  return spawnSync('cat', [file], { encoding: 'utf8' }).stdout;
}

/** The pages of ports alone, as the export writes them. */
function oursProgram() {
  return `
import { exportFiles } from '${module('site/dist/export/files.js')}';
import { makeSite } from '${module('site/dist/site.js')}';
import { openFacts } from '${module('facts/dist/load.js')}';
const facts = openFacts({ shipped: ${JSON.stringify(join(ROOT, 'packages/portolan/dist/facts'))}, dataDir: null, whole: true });
const made = makeSite(facts, 'portolan');
const site = { ...made, paths: () => [], atlas: { ...made.atlas, flags: made.atlas.flags } };
await exportFiles(process.argv[2], { site, assets: new Map(), languages: ['en'], scope: 'all', data: false, base: null }, () => {}, new AbortController().signal);
`;
}

function eleventyTemplate() {
  return `
import { makeSite } from '${module('site/dist/site.js')}';
import { fileLinks } from '${module('site/dist/links.js')}';
import { openFacts } from '${module('facts/dist/load.js')}';
import { loadTranslator, PAGE_LANGUAGES, pageHtml } from '${module('core/dist/web.js')}';
const facts = openFacts({ shipped: ${JSON.stringify(join(ROOT, 'packages/portolan/dist/facts'))}, dataDir: null, whole: true });
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
