// `npm run demo`: a service on 60163 is restarted five hundred times while clients come and go, first as the host is, then
// with the port reserved by `portolan reserve`. In a network namespace of its own; root; takes about half a minute.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { accept, bind, close, connect, listen, open } from './forecast/sockets.mjs';

const PORT = 60_163;
const RESTARTS = 500;
/** Clients between the end of the service and its start: some simply connect, some bind their address first. */
const CLIENTS = 60;
const BINDING_CLIENTS = 30;
const SERVER = ['127.0.0.1', 5000];
const TCP = 1;

const PORTOLAN = fileURLToPath(new URL('../packages/portolan/dist/bin.cjs', import.meta.url));

function portolan(...args) {
  const ran = spawnSync(process.execPath, [PORTOLAN, ...args], { encoding: 'utf8' });
  if (ran.status !== 0)
    throw new Error(`portolan ${args.join(' ')}: exit ${ran.status}: ${ran.stderr}${ran.stdout}`);
}

/** A client that comes and goes; its port then waits for a minute. Where no port is left, it goes without. */
function visit(listener, binds) {
  const client = open(TCP);
  try {
    if (binds && !bind(client, '127.0.0.1', 0)) return;
    connect(client, ...SERVER);
    const other = accept(listener);
    close(client);
    close(other);
  } catch {
    close(client);
  }
}

/** How many of the starts fail. */
function restart(listener) {
  let failed = 0;
  for (let count = 0; count < RESTARTS; count++) {
    for (let client = 0; client < CLIENTS; client++) visit(listener, client < BINDING_CLIENTS);
    const service = open(TCP, { reuse: true });
    if (!bind(service, '0.0.0.0', PORT) || !listen(service, 8)) failed++;
    close(service);
  }
  return failed;
}

/** Both halves of the demonstration, each in a namespace that is new. */
function inNamespace(half) {
  const script = 'ip link set lo up && echo 0 > /proc/sys/net/ipv4/tcp_tw_reuse && exec "$0" "$@"';
  const command = [process.execPath, fileURLToPath(import.meta.url), half];
  const ran = spawnSync('/usr/bin/unshare', ['--net', 'sh', '-c', script, ...command], { encoding: 'utf8' });
  if (ran.status !== 0) throw new Error(`exit ${ran.status}: ${ran.error?.message ?? ran.stderr}`);
  return Number(ran.stdout);
}

const half = process.argv[2];
if (half === undefined) {
  process.stdout.write(`A service on ${PORT}, started ${RESTARTS} times while clients come and go:\n`);
  process.stdout.write(`  as the host is    ${inNamespace('open')} starts failed\n`);
  process.stdout.write(`  ${PORT} reserved    ${inNamespace('reserved')} starts failed\n`);
} else {
  const folder = mkdtempSync(join(tmpdir(), 'portolan-demo-'));
  if (half === 'reserved') portolan('reserve', String(PORT), '--apply', '--yes', '--config-root', folder);
  const listener = open(TCP, { reuse: true });
  if (!bind(listener, ...SERVER) || !listen(listener, 128)) throw new Error('no server');
  process.stdout.write(`${restart(listener)}\n`);
  rmSync(folder, { recursive: true, force: true });
}
