// Rules of this network namespace that take a port's packets elsewhere: asked for only where there can be any.
import type { Gap, Redirect } from '@portolan/core';
import { type IptablesRuleset, parseIptablesSave } from '../parse/linux-iptables.ts';
import { LOOPBACK, parseFibTrie, parseIfInet6 } from '../parse/linux-local-addresses.ts';
import type { Wanted } from '../parse/linux-nat.ts';
import { dormantTables, parseNftRuleset } from '../parse/linux-nft.ts';
import { intersectNetworks, type Network, parseNetwork } from '../parse/network.ts';
import { readText } from './read-text.ts';
import type { LegacyTable, RedirectSigns } from './redirect-signs.ts';
import { findTool, runTool } from './run-tool.ts';

/** What was found and what could not be looked at. */
export interface RedirectsRead {
  readonly redirects: readonly Redirect[];
  readonly gaps: readonly Gap[];
}

/**
 * The rules for the wanted ports whose packets would otherwise come to this host; a rule for addresses of others
 * takes nothing from it. `call` is how a shell asks for the same again. Runs nft or iptables-save where the kernel
 * has rules, and never throws.
 */
export function readRedirects(
  { nftables, legacy }: RedirectSigns,
  wanted: Wanted,
  call: string,
): RedirectsRead {
  const root = process.geteuid?.() === 0;
  const gaps: Gap[] = [];
  const redirects: Redirect[] = [];
  const add = (read: RedirectsRead): void => {
    redirects.push(...read.redirects);
    gaps.push(...read.gaps);
  };
  if (nftables === 'no-rights' || legacy === 'no-rights') {
    // Inside a container root may lack the right as well, and no command gives it.
    gaps.push(gapOf('redirects-no-rights', {}, root ? null : `sudo ${call}`));
  }
  if (nftables === 'yes') add(readNftables(wanted, root));
  if (legacy !== 'no-rights') for (const table of legacy) add(readIptables('legacy', table, wanted, root));
  return { redirects: onlyLocal(redirects), gaps };
}

function readNftables(wanted: Wanted, root: boolean): RedirectsRead {
  const file = findTool('nft');
  if (file === null) return { redirects: [], gaps: [gapOf('redirects-no-tool', { tool: 'nft' }, null)] };
  const remedy = `${root ? '' : 'sudo '}nft list ruleset`;
  const ran = runTool(file, ['-j', 'list', 'ruleset']);
  if (!ran.ok) return failed('nft', ran.reason, remedy);
  let ruleset = parseNftRuleset(ran.text, wanted);
  if (ruleset.ok && ruleset.garbled) {
    const plain = runTool(file, ['-t', 'list', 'ruleset']);
    if (plain.ok) ruleset = parseNftRuleset(ran.text, wanted, dormantTables(plain.text));
  }
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
