// Signs of rules that redirect ports, found at next to no cost: only where there are some are the rules read.
import { existsSync } from 'node:fs';
import { release } from 'node:os';
import {
  CHAINS_REQUEST_LENGTH,
  readChainsBatch,
  writeChainsRequest,
} from '../parse/linux-netfilter-netlink.ts';
import { type Libc, nativeBuffer } from './native.ts';
import { readText } from './read-text.ts';

const AF_NETLINK = 16;
/** SOCK_RAW | SOCK_CLOEXEC. */
const SOCKET_TYPE = 3 | 0o2000000;
const NETLINK_NETFILTER = 12;
const RECEIVE_BYTES = 1 << 16;
const EPERM = 1;
const EINTR = 4;
const EACCES = 13;

/** What speaks for rules. */
export interface RedirectSigns {
  readonly nftables: 'yes' | 'no' | 'no-rights';
  /** Tables of iptables-legacy in use; `unknown` where the kernel's lists are not there to be read. */
  readonly legacy: readonly LegacyTable[] | 'no-rights' | 'unknown';
}

/** The signs; null where there can be no rules, or nothing is in use that could hold one. */
export function redirectSigns(libc: Libc | null): RedirectSigns | null {
  if (isImpossible()) return null;
  const nftables = mayHaveNftables(libc, process.geteuid?.() === 0);
  const legacy = legacyTables();
  // Of its own, the raw table sends nothing anywhere.
  const legacySends = typeof legacy === 'string' || legacy.some(({ name }) => name !== 'raw');
  return nftables === 'no' && !legacySends ? null : { nftables, legacy };
}

const MODULES_LIMIT = 1 << 18;
/** What each redirect needs: nat stands on connection tracking, TPROXY on its own module. */
const NEEDED = /^(?:nf_conntrack|nf_nat|nf_tproxy_ipv[46]) /m;

/** True where the kernel has nothing loaded that could redirect a packet. */
function isImpossible(): boolean {
  const modules = readText('/proc/modules', MODULES_LIMIT);
  if (modules === null || modules.cut || NEEDED.test(modules.text)) return false;
  // What is built in is not among the modules; connection tracking has parameters, which show even then.
  return (
    existsSync('/sys/module') && !existsSync('/sys/module/nf_conntrack') && !existsSync('/sys/module/nf_nat')
  );
}

/** Asking for nf_tables makes the kernel load it, so it is only asked for where it is there already. */
function nftablesLoaded(): boolean {
  const modules = readText('/proc/modules', MODULES_LIMIT);
  if (modules === null || modules.cut || /^nf_tables /m.test(modules.text)) return true;
  const builtin = readText(`/lib/modules/${release()}/modules.builtin`, MODULES_LIMIT);
  return builtin === null || builtin.cut || builtin.text.includes('/nf_tables.ko');
}

function mayHaveNftables(libc: Libc | null, root: boolean): 'yes' | 'no' | 'no-rights' {
  if (!nftablesLoaded()) return 'no';
  if (libc === null) return root ? 'yes' : 'no-rights';
  const fd = libc.socket(AF_NETLINK, SOCKET_TYPE, NETLINK_NETFILTER);
  // Without netfilter's netlink there is no nf_tables either; a sandbox answers with one of the two.
  if (fd < 0) return isRefusal(libc.errno()) ? 'no-rights' : 'no';
  try {
    const request = nativeBuffer(CHAINS_REQUEST_LENGTH);
    writeChainsRequest(request);
    if (libc.send(fd, libc.address(request), CHAINS_REQUEST_LENGTH, 0) < 0) return 'yes';
    const buffer = nativeBuffer(RECEIVE_BYTES);
    for (let found = false; ; ) {
      const length = libc.recv(fd, libc.address(buffer), RECEIVE_BYTES, 0);
      if (length < 0 && libc.errno() === EINTR) continue;
      // What cannot be told is left to nft.
      if (length <= 0) return 'yes';
      const batch = readChainsBatch(buffer, length);
      found ||= batch.found;
      if (isRefusal(batch.errno)) return 'no-rights';
      if (batch.done) return found ? 'yes' : 'no';
    }
  } finally {
    libc.close(fd);
  }
}

function isRefusal(errno: number): boolean {
  return errno === EPERM || errno === EACCES;
}

/** A table that iptables-legacy uses. */
export interface LegacyTable {
  readonly family: 'ipv4' | 'ipv6';
  readonly name: 'raw' | 'nat' | 'mangle';
}

/**
 * Not /proc/net, which is a link to it: a /proc of processes alone (mount option subset=pid, systemd's ProcSubset) has
 * no such link.
 */
const LISTS = '/proc/self/net';

/** The kernel lists a legacy table once something has used it in this namespace. */
function legacyTables(): RedirectSigns['legacy'] {
  // Without the module there are no lists; the sockets of TCP are listed in any case.
  if (!existsSync(`${LISTS}/tcp`)) return 'unknown';
  const tables: LegacyTable[] = [];
  for (const family of ['ipv4', 'ipv6'] as const) {
    const path = `${LISTS}/${family === 'ipv4' ? 'ip' : 'ip6'}_tables_names`;
    const names = readText(path, 4096);
    if (names === null && existsSync(path)) return 'no-rights';
    const listed = names?.text.split('\n') ?? [];
    for (const name of ['raw', 'mangle', 'nat'] as const)
      if (listed.includes(name)) tables.push({ family, name });
  }
  return tables;
}
