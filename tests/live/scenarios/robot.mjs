// A process that does with sockets what it is told, by bare system calls: one JSON list of steps a line on stdin,
// one JSON answer a line on stdout. It ends, and with it all it opened, when stdin ends.
import { spawn } from 'node:child_process';
import { closeSync, readlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

// koffi is the probe's dependency; from here it is found through the probe.
const requireAsProbe = createRequire(new URL('../../../packages/probe/package.json', import.meta.url));
const koffi = requireAsProbe('koffi');

const libc = koffi.load(null);
const sys = {
  socket: libc.func('int socket(int, int, int)'),
  bind: libc.func('int bind(int, const uint8_t *, uint32_t)'),
  listen: libc.func('int listen(int, int)'),
  connect: libc.func('int connect(int, const uint8_t *, uint32_t)'),
  shutdown: libc.func('int shutdown(int, int)'),
  accept: libc.func('int accept4(int, void *, void *, int)'),
  poll: libc.func('int poll(_Inout_ uint8_t *, uint64_t, int)'),
  setsockopt: libc.func('int setsockopt(int, int, int, const uint8_t *, uint32_t)'),
  getsockname: libc.func('int getsockname(int, _Out_ uint8_t *, _Inout_ uint32_t *)'),
  pton: libc.func('int inet_pton(int, const char *, _Out_ uint8_t *)'),
};

const AF = { ipv4: 2, ipv6: 10 };
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const SOCK_NONBLOCK = 0o4000;
// Children must inherit only what they are given.
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const SO_REUSEPORT = 15;
const SO_BINDTODEVICE = 25;
const SO_LINGER = 13;
const IPPROTO_IPV6 = 41;
const IPV6_V6ONLY = 26;
const POLLIN = 1;
const SHUT_RDWR = 2;
const EINPROGRESS = 115;
/** Longest wait for a connection to arrive on loopback. */
const ACCEPT_MS = 20_000;

const sockets = new Map();
const children = new Map();

function check(result, what) {
  if (result >= 0) return result;
  const errno = koffi.errno();
  const name = Object.keys(koffi.os.errno).find((key) => koffi.os.errno[key] === errno) ?? String(errno);
  throw new Error(`${what}: ${name}`);
}

function fdOf(name) {
  const fd = sockets.get(name);
  if (fd === undefined) throw new Error(`no socket ${name}`);
  return fd;
}

/** struct sockaddr_in or sockaddr_in6. */
function socketAddress(family, [address, port]) {
  const bytes = Buffer.alloc(family === 'ipv4' ? 16 : 28);
  bytes.writeUInt16LE(AF[family], 0);
  bytes.writeUInt16BE(port, 2);
  const binary = Buffer.alloc(16);
  if (sys.pton(AF[family], address, binary) !== 1) throw new Error(`not an ${family} address: ${address}`);
  binary.copy(bytes, family === 'ipv4' ? 4 : 8, 0, family === 'ipv4' ? 4 : 16);
  return bytes;
}

function option(fd, level, name, on) {
  const value = Buffer.alloc(4);
  value.writeInt32LE(on ? 1 : 0);
  check(sys.setsockopt(fd, level, name, value, 4), 'setsockopt');
}

function open(step) {
  const { as, family, type, protocol, device, v6only, reuse, reusePort, nonblock, bind, listen, connect } =
    step;
  const kind = (type === 'tcp' ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC | (nonblock ? SOCK_NONBLOCK : 0);
  const fd = check(sys.socket(AF[family], kind, protocol ?? 0), 'socket');
  sockets.set(as, fd);
  if (v6only !== undefined) option(fd, IPPROTO_IPV6, IPV6_V6ONLY, v6only);
  if (reuse) option(fd, SOL_SOCKET, SO_REUSEADDR, true);
  if (reusePort) option(fd, SOL_SOCKET, SO_REUSEPORT, true);
  if (device !== undefined) {
    const name = Buffer.from(`${device}\0`);
    check(sys.setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, name.length), 'setsockopt');
  }
  try {
    if (bind) {
      const address = socketAddress(family, bind);
      check(sys.bind(fd, address, address.length), `bind ${bind.join(' ')}`);
    }
    if (listen !== undefined) check(sys.listen(fd, listen), 'listen');
    if (connect) {
      const address = socketAddress(family, connect);
      const result = sys.connect(fd, address, address.length);
      if (!(nonblock && result < 0 && koffi.errno() === EINPROGRESS))
        check(result, `connect ${connect.join(' ')}`);
    }
  } catch (error) {
    sockets.delete(as);
    closeSync(fd);
    throw error;
  }
  return localPort(fd);
}

function localPort(fd) {
  const out = Buffer.alloc(28);
  check(sys.getsockname(fd, out, [28]), 'getsockname');
  return out.readUInt16BE(2);
}

function accept({ of, as }) {
  const fd = fdOf(of);
  const wanted = Buffer.alloc(8);
  wanted.writeInt32LE(fd, 0);
  wanted.writeInt16LE(POLLIN, 4);
  if (check(sys.poll(wanted, 1, ACCEPT_MS), 'poll') === 0) throw new Error(`nothing to accept on ${of}`);
  sockets.set(as, check(sys.accept(fd, null, null, SOCK_CLOEXEC), 'accept'));
}

function start({ as, file, args, argv0, inherit, cwd, env }) {
  const child = spawn(file, args ?? [], {
    stdio: ['pipe', 'pipe', 'inherit', ...(inherit ?? []).map(fdOf)],
    ...(argv0 === undefined ? {} : { argv0 }),
    ...(cwd === undefined ? {} : { cwd }),
    ...(env === undefined ? {} : { env: { ...process.env, ...env } }),
  });
  const gone = new Promise((resolve) => {
    child.once('exit', resolve);
    child.once('error', resolve);
  });
  const said = new Promise((resolve, reject) => {
    child.stdout.once('data', resolve);
    void gone.then(() => reject(new Error(`${as} ended without a word`)));
  });
  said.catch(() => undefined);
  children.set(as, { child, gone, said });
  if (child.pid === undefined) return new Promise((_, reject) => child.once('error', reject));
  return child.pid;
}

const OPS = {
  open,
  accept,
  spawn: start,
  close({ of }) {
    closeSync(fdOf(of));
    sockets.delete(of);
  },
  shutdown({ of }) {
    check(sys.shutdown(fdOf(of), SHUT_RDWR), 'shutdown');
  },
  listen({ of, backlog }) {
    check(sys.listen(fdOf(of), backlog), 'listen');
  },
  /** Closes with a reset in place of a farewell: lingering is on, for no time. */
  reset({ of }) {
    const linger = Buffer.alloc(8);
    linger.writeInt32LE(1, 0);
    check(sys.setsockopt(fdOf(of), SOL_SOCKET, SO_LINGER, linger, 8), 'setsockopt');
    OPS.close({ of });
  },
  /** Waits until the child has printed something. */
  async said({ of }) {
    await children.get(of).said;
  },
  /** Waits until the child is another program: before that it still has its parent's descriptors. */
  async settled({ of }) {
    const own = readlinkSync('/proc/self/exe');
    const { pid } = children.get(of).child;
    while (readlinkSync(`/proc/${pid}/exe`) === own) await new Promise((resolve) => setTimeout(resolve, 1));
  },
  async end({ of }) {
    const entry = children.get(of);
    if (entry === undefined) throw new Error(`no child ${of}`);
    entry.child.kill('SIGKILL');
    await entry.gone;
    children.delete(of);
  },
  write({ path, text }) {
    writeFileSync(path, text);
  },
  title({ text }) {
    process.title = text;
  },
};

process.stdout.write(`${JSON.stringify({ ready: process.pid })}\n`);
for await (const line of createInterface({ input: process.stdin })) {
  let answer;
  try {
    const results = [];
    for (const step of JSON.parse(line)) results.push((await OPS[step.op](step)) ?? null);
    answer = { results };
  } catch (error) {
    answer = { error: String(error?.message ?? error) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
for (const { child } of children.values()) child.kill('SIGKILL');
process.exit(0);
