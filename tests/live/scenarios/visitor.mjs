// Opens a listener in each of several network namespaces and stays in its own: what systemd does for a unit with
// NetworkNamespacePath=, and what is left where the process of a namespace has gone. Arguments: a port, then files of
// namespaces. Says "ready" once; ends with stdin.
import { openSync } from 'node:fs';
import { createRequire } from 'node:module';

const requireAsProbe = createRequire(new URL('../../../packages/probe/package.json', import.meta.url));
const libc = requireAsProbe('koffi').load(null);
const setns = libc.func('int setns(int, int)');
const socket = libc.func('int socket(int, int, int)');
const bind = libc.func('int bind(int, const uint8_t *, uint32_t)');
const listen = libc.func('int listen(int, int)');
const CLONE_NEWNET = 0x40000000;
const AF_INET = 2;
const SOCK_STREAM = 1;

const own = openSync('/proc/thread-self/ns/net', 'r');
const address = Buffer.alloc(16);
address.writeUInt16LE(AF_INET, 0);
address.writeUInt16BE(Number(process.argv[2]), 2);
for (const file of process.argv.slice(3)) {
  if (setns(openSync(file, 'r'), CLONE_NEWNET) !== 0) throw new Error(`setns ${file}`);
  const fd = socket(AF_INET, SOCK_STREAM, 0);
  if (bind(fd, address, 16) !== 0 || listen(fd, 8) !== 0) throw new Error(`listen in ${file}`);
}
if (setns(own, CLONE_NEWNET) !== 0) throw new Error('setns back');
process.stdout.write('ready\n');
process.stdin.on('end', () => process.exit(0)).resume();
