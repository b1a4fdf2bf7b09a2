// `npm run screenshot`: the built program in a network namespace of its own, where an outgoing connection has 60163 and a
// server has 3000; its answers become docs/portolan-60163.svg and the recording docs/why-3000.cast (asciicast v2). Root.
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { terminalSvg } from './terminal-svg.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const COLUMNS = 80;
const ROWS = 40;
const HOST = '127.0.0.1';
const PROMPT = '\u001b[1m$\u001b[0m ';
/** Seconds between two keys of the recording's typist. */
const KEY = 0.06;
const INSIDE = 'inside';
/** What the server and the client of the scene run. */
const SCENE = {
  'server.mjs': `import { createServer } from 'node:net';
for (const port of [3000, 8443]) createServer().listen(port, '${HOST}', () => console.log(port));`,
  'browser.mjs': `import { connect } from 'node:net';
connect({ host: '${HOST}', port: 8443, localAddress: '${HOST}', localPort: 60163 }, () => console.log('connected'));`,
};

if (process.argv[2] === INSIDE) await picture();
else enter();

/** The same script again, where nothing of this machine is seen. */
function enter() {
  // /srv/app is on a file system of its own, which ends with the namespace.
  const script = 'ip link set lo up && mount -t tmpfs tmpfs /srv && exec "$0" "$@"';
  const args = ['--net', '--mount', '--pid', '--fork', '--mount-proc', 'sh', '-c', script];
  const ran = spawnSync('unshare', [...args, process.execPath, fileURLToPath(import.meta.url), INSIDE], {
    stdio: 'inherit',
  });
  if (ran.status !== 0) process.stderr.write('portolan: the picture needs root, unshare and ip.\n');
  process.exit(ran.status ?? 1);
}

async function picture() {
  mkdirSync('/srv/app');
  const folder = mkdtempSync(join(tmpdir(), 'portolan-screenshot-'));
  const children = [];
  try {
    symlinkSync(join(ROOT, 'packages', 'portolan', 'bin', 'portolan.cjs'), join(folder, 'portolan'));
    for (const [name, text] of Object.entries(SCENE)) writeFileSync(join('/srv/app', name), text);
    children.push(await started('server.mjs'));
    children.push(await started('browser.mjs'));
    const env = {
      PATH: `${folder}:${process.env.PATH}`,
      HOME: folder,
      LANG: 'C.UTF-8',
      COLUMNS: String(COLUMNS),
    };
    const report = await run(['60163'], env);
    // The list of sources has addresses that are wider than the picture.
    const shown = report.text.replace(/\n[^\n]*SOURCES\u001b[\s\S]*/, '\n…\n');
    writeFileSync(
      join(ROOT, 'docs', 'portolan-60163.svg'),
      terminalSvg(
        `${PROMPT}portolan 60163\n${shown}`,
        COLUMNS,
        'portolan 60163: held by an outgoing connection',
      ),
    );
    writeFileSync(
      join(ROOT, 'docs', 'why-3000.cast'),
      cast('portolan why 3000', await run(['why', '3000'], env)),
    );
    process.stderr.write('portolan: docs/portolan-60163.svg and docs/why-3000.cast were made.\n');
  } finally {
    for (const child of children) child.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  }
}

/** A program of the scene, once it has said that it is where it should be. */
async function started(name) {
  const child = spawn(process.execPath, [name], { cwd: '/srv/app', stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise((resolve, reject) => {
    child.stdout.once('data', resolve);
    child.once('exit', () => reject(new Error(`${name} has ended`)));
  });
  return child;
}

/** What the program writes, and when: seconds after it was started. */
function run(args, env) {
  const begun = performance.now();
  const child = spawn('portolan', [...args, '--color', 'always'], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const parts = [];
  child.stdout
    .setEncoding('utf8')
    .on('data', (text) => parts.push({ at: (performance.now() - begun) / 1000, text }));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0 || code === 1) resolve({ text: parts.map(({ text }) => text).join(''), parts });
      else reject(new Error(`portolan ${args.join(' ')}: exit ${code}`));
    });
  });
}

/** The recording: keys that a typist would type, then the answer as it came (asciicast v2). */
function cast(command, { parts }) {
  const header = {
    version: 2,
    width: COLUMNS,
    height: ROWS,
    title: command,
    env: { TERM: 'xterm-256color', SHELL: '/bin/sh' },
  };
  const events = [[0.2, 'o', PROMPT]];
  let at = 1;
  for (const key of command) {
    events.push([at, 'o', key]);
    at += KEY;
  }
  at += 0.4;
  events.push([at, 'o', '\r\n']);
  for (const { at: after, text } of parts) events.push([at + after, 'o', text.replaceAll('\n', '\r\n')]);
  const end = at + (parts.at(-1)?.at ?? 0);
  events.push([end + 0.1, 'o', PROMPT], [end + 4, 'o', '']);
  const lines = events.map(([time, kind, data]) => JSON.stringify([Number(time.toFixed(3)), kind, data]));
  return `${[JSON.stringify(header), ...lines].join('\n')}\n`;
}
