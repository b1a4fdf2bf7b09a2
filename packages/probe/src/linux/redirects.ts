// Rules of this network namespace that take a port's packets elsewhere: asked for only where there can be any.
import { existsSync } from 'node:fs';
import { release } from 'node:os';
import type { Gap, Redirect } from '@portolan/core';
import { type IptablesRuleset, parseIptablesSave } from '../parse/linux-iptables.ts';
import { LOOPBACK, parseFibTrie, parseIfInet6 } from '../parse/linux-local-addresses.ts';
import type { Wanted } from '../parse/linux-nat.ts';
import {
  CHAINS_REQUEST_LENGTH,
  readChainsBatch,
  writeChainsRequest,
} from '../parse/linux-netfilter-netlink.ts';
import { parseNftRuleset } from '../parse/linux-nft.ts';
import { intersectNetworks, type Network, parseNetwork } from '../parse/network.ts';
import { type Libc, nativeBuffer } from './native.ts';
import { readText } from './read-text.ts';
import { findTool, runTool } from './run-tool.ts';

const AF_NETLINK = 16;
/** SOCK_RAW | SOCK_CLOEXEC. */
const SOCKET_TYPE = 3 | 0o2000000;
const NETLINK_NETFILTER = 12;
const RECEIVE_BYTES = 1 << 16;
const EPERM = 1;
const EINTR = 4;
const EACCES = 13;

/** What was found and what could not be looked at. */
export interface RedirectsRead {
  readonly redirects: readonly Redirect[];
  readonly gaps: readonly Gap[];
}

const NOTHING: RedirectsRead = { redirects: [], gaps: [] };

/**
 * The rules for the wanted ports whose packets would otherwise come to this host; a rule for addresses of others
 * takes nothing from it. `call` is how a shell asks for the same again. Runs nft or iptables-save where the kernel
 * has rules, and never throws.
 */
export function readRedirects(libc: Libc | null, wanted: Wanted, call: string): RedirectsRead {
  if (isImpossible()) return NOTHING;
  const root = process.geteuid?.() === 0;
  const gaps: Gap[] = [];
  const redirects: Redirect[] = [];
  const add = (read: RedirectsRead): void => {
    redirects.push(...read.redirects);
    gaps.push(...read.gaps);
  };
  const nftables = mayHaveNftables(libc, root);
  const legacy = legacyTables();
  if (nftables === 'no-rights' || legacy === 'no-rights') {
    // Inside a container root may lack the right as well, and no command gives it.
    gaps.push(gapOf('redirects-no-rights', {}, root ? null : `sudo ${call}`));
  }
  if (nftables === 'yes') add(readNftables(wanted, root));
  if (legacy !== 'no-rights') for (const table of legacy) add(readIptables('legacy', table, wanted, root));
  return { redirects: onlyLocal(redirects), gaps };
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
interface LegacyTable {
  readonly family: 'ipv4' | 'ipv6';
  readonly name: 'nat' | 'mangle';
}

/** The kernel lists a legacy table once something has used it in this namespace. */
function legacyTables(): LegacyTable[] | 'no-rights' {
  const tables: LegacyTable[] = [];
  for (const family of ['ipv4', 'ipv6'] as const) {
    const path = `/proc/net/${family === 'ipv4' ? 'ip' : 'ip6'}_tables_names`;
    const names = readText(path, 4096);
    if (names === null && existsSync(path)) return 'no-rights';
    const listed = names?.text.split('\n') ?? [];
    for (const name of ['nat', 'mangle'] as const) if (listed.includes(name)) tables.push({ family, name });
  }
  return tables;
}

function readNftables(wanted: Wanted, root: boolean): RedirectsRead {
  const file = findTool('nft');
  if (file === null) return { redirects: [], gaps: [gapOf('redirects-no-tool', { tool: 'nft' }, null)] };
  const remedy = `${root ? '' : 'sudo '}nft list ruleset`;
  const ran = runTool(file, ['-j', 'list', 'ruleset']);
  if (!ran.ok) return failed('nft', ran.reason, remedy);
  const ruleset = parseNftRuleset(ran.text, wanted);
  if (!ruleset.ok) return failed('nft', ruleset.place, remedy);
  const redirects = [...ruleset.redirects];
  const gaps = unparsed(ruleset.unread, remedy);
  for (const { family, name } of ruleset.xt) {
    if (name !== 'nat' && name !== 'mangle') gaps.push(...unparsed([`table ${name}`], remedy));
    else {
      const read = readIptables('nft', { family, name }, wanted, root);
      redirects.push(...read.redirects);
      gaps.push(...read.gaps);
    }
  }
  return { redirects, gaps };
}

/** Both variants of iptables may be installed; the plain name is one of the two. */
function readIptables(
  variant: 'legacy' | 'nft',
  { family, name }: LegacyTable,
  wanted: Wanted,
  root: boolean,
): RedirectsRead {
  const prefix = family === 'ipv4' ? 'iptables' : 'ip6tables';
  const tools = [`${prefix}-${variant}-save`, `${prefix}-save`];
  for (const tool of tools) {
    const file = findTool(tool);
    if (file === null) continue;
    const remedy = `${root ? '' : 'sudo '}${tool} -t ${name}`;
    const ran = runTool(file, ['-t', name]);
    if (!ran.ok) return failed(tool, ran.reason, remedy);
    const ruleset: IptablesRuleset = parseIptablesSave(ran.text, family, wanted);
    if (!ruleset.ok) return failed(tool, ruleset.place, remedy);
    if (ruleset.variant !== null && ruleset.variant !== variant) continue;
    return { redirects: ruleset.redirects, gaps: unparsed(ruleset.unread, remedy) };
  }
  return { redirects: [], gaps: [gapOf('redirects-no-tool', { tool: tools[0] ?? '' }, null)] };
}

function failed(tool: string, reason: string, remedy: string): RedirectsRead {
  return { redirects: [], gaps: [gapOf('redirects-unreadable', { tool, reason }, remedy)] };
}

function unparsed(places: readonly string[], remedy: string): Gap[] {
  const [place] = places;
  if (place === undefined) return [];
  return [gapOf('redirects-unparsed', { rules: places.length, place }, remedy)];
}

/** A rule that is not seen takes packets from whoever holds the port; it keeps nobody from binding it. */
function gapOf(code: Gap['code'], values: Gap['values'], remedy: string | null): Gap {
  return { code, values, remedy, coversUse: false, transports: [] };
}

/** fib_trie of a router that knows every route of the internet is longer: then every rule is told. */
const FIB_LIMIT = 1 << 22;

/** Without the rules for addresses that are none of this host's. */
function onlyLocal(redirects: readonly Redirect[]): readonly Redirect[] {
  if (redirects.every(({ address }) => address === null)) return redirects;
  const four = readText('/proc/net/fib_trie', FIB_LIMIT);
  const six = readText('/proc/net/if_inet6', FIB_LIMIT);
  const known: Readonly<Record<Network['family'], readonly Network[] | null>> = {
    ipv4:
      four === null || four.cut
        ? null
        : [...parseFibTrie(four.text), ...(LOOPBACK === null ? [] : [LOOPBACK])],
    ipv6: six === null || six.cut ? null : parseIfInet6(six.text),
  };
  return redirects.filter(({ address }) => {
    const network = address === null ? null : parseNetwork(address);
    const own = network === null ? null : known[network.family];
    return network === null || own === null || own.some((one) => intersectNetworks(one, network) !== null);
  });
}
