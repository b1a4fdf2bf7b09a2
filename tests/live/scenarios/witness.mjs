// Looks at the namespace it is in, in several ways, as often as it is told: a JSON list of requests a line on stdin,
// an answer a line on stdout. The answer has the built probe's snapshot for each request, and beside them the kernel's
// own tables and descriptors as they are read here, by code that shares nothing with the probe's.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createInterface } from 'node:readline';

const { snapshot } = await import(new URL('../../../packages/probe/dist/index.js', import.meta.url).href);

/** Rows of /proc/net as [transport, family, local port, peer port, state, inode, local address in hexadecimal digits]. */
function tables() {
  const rows = [];
  for (const name of ['tcp', 'tcp6', 'udp', 'udp6']) {
    for (const line of readFileSync(`/proc/net/${name}`, 'utf8').split('\n').slice(1)) {
      const [, local, peer, state, , , , , , inode] = line.trim().split(/\s+/);
      if (inode === undefined) continue;
      const [address, port] = local.split(':');
      rows.push([
        name.slice(0, 3),
        name.endsWith('6') ? 'ipv6' : 'ipv4',
        Number.parseInt(port, 16),
        Number.parseInt(peer.split(':')[1], 16),
        Number.parseInt(state, 16),
        Number(inode),
        address,
      ]);
    }
  }
  return rows;
}

/** Processes by inode, from their descriptors. */
function owners() {
  const found = {};
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const inodes = new Set();
    try {
      const folder = `/proc/${pid}/fd`;
      for (const fd of readdirSync(folder)) {
        try {
          inodes.add(/^socket:\[(\d+)\]$/.exec(readlinkSync(`${folder}/${fd}`))?.[1]);
        } catch {
          // Closed meanwhile.
        }
      }
    } catch {
      // Ended meanwhile, or not to be looked into.
    }
    for (const inode of inodes) if (inode !== undefined) (found[inode] ??= []).push(Number(pid));
  }
  return found;
}

process.stdout.write(`${JSON.stringify({ ready: process.pid })}\n`);
for await (const line of createInterface({ input: process.stdin })) {
  const snapshots = [];
  for (const request of JSON.parse(line)) {
    const { sockets, gaps } = await snapshot({ transports: ['tcp', 'udp'], ports: null, ...request });
    snapshots.push({
      gaps: gaps.map(({ code }) => code),
      rows: sockets.map((socket) => ({ ...socket, owners: socket.owners.map(({ pid }) => pid) })),
    });
  }
  process.stdout.write(`${JSON.stringify({ snapshots, tables: tables(), owners: owners() })}\n`);
}
process.exit(0);
