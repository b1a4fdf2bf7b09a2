// floor: what a question costs at least in a program that starts Node: the system calls that cannot be left out, and as
// little as can be around them. What Portolan takes beyond it is its own doing; what this takes, no Node program can save.
//
//   node floor.cjs one PORT   who listens on a port, of this network namespace alone
//   node floor.cjs all        every listener with its owner, a line as long as Portolan's for each
//
// Both ask sock_diag for the tables and a BPF program for the descriptors (root, Linux 6.4). The first run makes that
// program with the built probe and keeps it under XDG_CACHE_HOME; a run that counts finds it there.
'use strict';
const fs = require('node:fs');
const path = require('node:path');
const { createRequire } = require('node:module');

const ROOT = path.join(__dirname, '..');
const [, , what, portText] = process.argv;
const port = what === 'one' ? Number(portText) : null;
const CACHE = path.join(process.env.XDG_CACHE_HOME, `floor-${port}`);
/** Bytes of a line of `list --json` after its port. */
const TAIL = 790;
const ROOM = 1 << (port === null ? 16 : 10);
const BPF = { x64: 321, arm64: 280 }[process.arch];
const HEADER_BYTES = 32;
const RECORD_BYTES = 32;
const LISTEN = 10;
const NO_COOKIE = 0xffff_ffff;
/** Stands in kept instructions where the map's descriptor belongs. */
const MAP = 0x5eed;

const koffi = createRequire(path.join(ROOT, 'packages', 'probe', 'package.json'))(
  `@koromix/koffi-linux-${process.arch}/linux_${process.arch}/koffi.node`,
);
const libc = koffi.load(null);
const socket = libc.func('socket', 'int', ['int', 'int', 'int']);
const send = libc.func('send', 'int64', ['int', 'uintptr_t', 'size_t', 'int']);
const recv = libc.func('recv', 'int64', ['int', 'uintptr_t', 'size_t', 'int']);
const read = libc.func('read', 'int64', ['int', 'uintptr_t', 'size_t']);
const syscall = libc.func('syscall', 'int64', ['int64', 'int64', 'uintptr_t', 'int64']);
const memory = (length) => Buffer.from(new ArrayBuffer(length));
const address = (bytes) => Number(koffi.address(bytes));

/** The calls of one dump; `onRow` gets the words of each message and where its socket begins. */
function dump(netlink, request, onRow) {
  const bytes = memory(1 << 18);
  const words = new Uint32Array(bytes.buffer);
  send(netlink, address(request), request.length, 0);
  for (;;) {
    const length = recv(netlink, address(bytes), bytes.length, 0);
    if (length <= 0) throw new Error('sock_diag');
    for (let at = 0; at < length; at += words[at >> 2]) {
      const type = words[(at >> 2) + 1] & 0xffff;
      if (type === 3) return;
      if (type === 2) throw new Error('sock_diag');
      onRow(words, (at >> 2) + 4);
    }
  }
}

function bpf(command, size, fill) {
  const attributes = memory(148);
  fill(attributes);
  const result = syscall(BPF, command, address(attributes), size);
  if (result < 0) throw new Error(`bpf(${command})`);
  return result;
}

/** Numbers that stand in kept instructions for our process and for descriptors of a socket and of another file. */
const OWN = { pid: 0x7ead_0001, socket: 0x7ead_0002, other: 0x7ead_0003 };

/** The kernel's list of descriptors as words, eight for each. */
function descriptors(instructions) {
  const known = new Map([
    [OWN.pid, process.pid],
    [OWN.socket, socket(2, 2 | 0o2000000, 0)],
    [OWN.other, fs.openSync('/dev/null', 'r+')],
  ]);
  const size = HEADER_BYTES + ROOM * RECORD_BYTES;
  const map = bpf(0, 72, (out) => {
    for (const [index, value] of [2, 4, size, 1].entries()) out.writeUInt32LE(value, index * 4);
  });
  for (let at = 0; at < instructions.bytes.length; at += 8) {
    const own = known.get(instructions.bytes.readInt32LE(at + 4));
    if (instructions.bytes[at] === 0x18) instructions.bytes.writeInt32LE(map, at + 4);
    else if (own !== undefined) instructions.bytes.writeInt32LE(own, at + 4);
  }
  const pointer = (out, at, to) => out.writeBigUInt64LE(BigInt(address(to)), at);
  const license = memory(13);
  license.write('Dual MIT/GPL');
  const program = bpf(5, 148, (out) => {
    out.writeUInt32LE(26, 0);
    out.writeUInt32LE(instructions.bytes.length / 8, 4);
    pointer(out, 8, instructions.bytes);
    pointer(out, 16, license);
    out.writeUInt32LE(28, 68);
    out.writeUInt32LE(instructions.target, 108);
  });
  // Over our own process first, where the program learns what a socket is.
  for (const pid of [process.pid, null]) {
    const info = memory(16);
    info.writeUInt32LE(pid ?? 0, 0);
    const link = bpf(28, 64, (out) => {
      out.writeUInt32LE(program, 0);
      out.writeUInt32LE(28, 8);
      if (pid === null) return;
      pointer(out, 16, info);
      out.writeUInt32LE(info.length, 24);
    });
    const iterator = bpf(33, 8, (out) => out.writeUInt32LE(link, 0));
    read(iterator, address(memory(8)), 8);
  }
  const value = memory(size);
  const key = memory(4);
  bpf(1, 32, (out) => {
    out.writeUInt32LE(map, 0);
    pointer(out, 8, key);
    pointer(out, 16, value);
  });
  return new Uint32Array(value.buffer, HEADER_BYTES, value.readUInt32LE(0) * 8);
}

function kept() {
  const bytes = fs.readFileSync(CACHE);
  const own = memory(bytes.length - 4);
  bytes.copy(own, 0, 4);
  return { target: bytes.readUInt32LE(0), bytes: own };
}

async function make() {
  const probe = path.join(ROOT, 'packages', 'probe', 'dist', 'linux', 'bpf');
  const { kernelFacts } = await import(path.join(probe, 'facts.js'));
  const { taskProgram } = await import(path.join(probe, 'programs.js'));
  const facts = kernelFacts(null);
  const head = Buffer.alloc(4);
  head.writeUInt32LE(facts.functions.bpf_iter_task);
  fs.mkdirSync(path.dirname(CACHE), { recursive: true });
  fs.writeFileSync(
    CACHE,
    Buffer.concat([head, taskProgram(facts, MAP, ROOM, port, OWN).bytes((size) => Buffer.alloc(size))]),
  );
}

function answer() {
  const netlink = socket(16, 3 | 0o2000000, 4);
  // Every state, bound and inactive ones too, as Portolan asks.
  const states = 0x1fff;
  const both = memory(76);
  new Uint32Array(both.buffer).set([76, 0x301_0012]);
  new Uint32Array(both.buffer).set([NO_COOKIE, NO_COOKIE, states], 15);
  both.writeUInt16BE(port ?? 0, 20);
  const inodes = [];
  const ports = [];
  const take = (words, at) => {
    if (((words[at] >>> 8) & 0xff) !== LISTEN) return;
    inodes.push(words[at + 17]);
    ports.push(((words[at + 1] & 0xff) << 8) | ((words[at + 1] >>> 8) & 0xff));
  };
  dump(netlink, both, take);
  for (const family of [2, 10]) {
    const udp = memory(72);
    new Uint32Array(udp.buffer).set([72, 0x301_0014, 0, 0, family | (17 << 8), states]);
    new Uint32Array(udp.buffer).set([NO_COOKIE, NO_COOKIE], 16);
    udp.writeUInt16BE(port ?? 0, 24);
    dump(netlink, udp, () => {});
  }
  const found = descriptors(kept());
  const owners = new Map();
  const pids = new Set();
  for (let at = 0; at < found.length; at += 8) {
    owners.set(found[at + 2], found[at + 3]);
    pids.add(found[at + 3]);
  }
  const tails = new Map();
  for (const pid of pids) {
    let text = '';
    for (const name of ['stat', 'cmdline', 'cgroup', 'status'])
      text += fs.readFileSync(`/proc/${pid}/${name}`, 'latin1');
    for (const name of ['exe', 'cwd']) text += fs.readlinkSync(`/proc/${pid}/${name}`);
    tails.set(pid, Buffer.from(` ${pid} ${text}`.replace(/\s+/g, ' ').padEnd(TAIL).slice(0, TAIL)));
  }
  const keys = new Uint32Array(ports.map((each, index) => each * 2 ** 16 + (index & 0xffff)));
  keys.sort();
  const sheet = Buffer.allocUnsafe(1 << 18);
  let at = 0;
  for (const key of keys) {
    if (at + TAIL + 8 > sheet.length) {
      fs.writeSync(1, sheet, 0, at);
      at = 0;
    }
    const tail = tails.get(owners.get(inodes[key & 0xffff]));
    if (tail === undefined) continue;
    at += sheet.write(String(key >>> 16), at, 'latin1');
    sheet.set(tail, at);
    at += TAIL;
    sheet[at++] = 10;
  }
  fs.writeSync(1, sheet, 0, at);
}

if (fs.existsSync(CACHE)) answer();
else void make().then(answer);
