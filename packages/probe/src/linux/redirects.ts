// Rules of this network namespace that take a port's packets elsewhere: asked for only where there can be any.
import type { Gap, Redirect } from '@portolan/core';
import { type IptablesRuleset, parseIptablesSave } from '../parse/linux-iptables.ts';
import { LOOPBACK, parseFibTrie, parseIfInet6, parseIpv6Routes } from '../parse/linux-local-addresses.ts';
import { type Found, type Table, type Wanted, walkTables } from '../parse/linux-nat.ts';
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

/** A piece of the rules, and the command that shows it. */
interface Source {
  readonly tables: readonly Table[];
  /** Places that could not be read. */
  readonly unread: readonly string[];
  readonly remedy: string;
}

/** What the tools told. */
interface Told {
  readonly sources: readonly Source[];
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
  const sources: Source[] = [];
  const add = (told: Told): void => {
    sources.push(...told.sources);
    gaps.push(...told.gaps);
  };
  if (nftables === 'no-rights' || legacy === 'no-rights') {
    // Inside a container root may lack the right as well, and no command gives it.
    gaps.push(gapOf('redirects-no-rights', {}, root ? null : `sudo ${call}`));
  }
  if (nftables === 'yes') add(readNftables(root));
  if (legacy === 'unknown') add(unlisted(root));
  else if (legacy !== 'no-rights') for (const table of legacy) add(readIptables('legacy', table, root));
  // All of them at once, for each tool's rules come before some of another's.
  const { found, missed } = walkTables(
    sources.flatMap(({ tables }) => tables),
    wanted,
  );
  for (const { tables, unread, remedy } of sources) {
    const places = missed.filter(({ table }) => tables.includes(table)).map(({ place }) => place);
    gaps.push(...unparsed([...unread, ...places], remedy));
  }
  return { redirects: onlyLocal(found), gaps };
}

function readNftables(root: boolean): Told {
  const file = findTool('nft');
  if (file === null) return { sources: [], gaps: [gapOf('redirects-no-tool', { tool: 'nft' }, null)] };
  const remedy = `${root ? '' : 'sudo '}nft list ruleset`;
  const ran = runTool(file, ['-j', 'list', 'ruleset']);
  if (!ran.ok) return failed('nft', ran.reason, remedy);
  let ruleset = parseNftRuleset(ran.text);
  if (ruleset.ok && ruleset.garbled) {
    const plain = runTool(file, ['-t', 'list', 'ruleset']);
    if (plain.ok) ruleset = parseNftRuleset(ran.text, dormantTables(plain.text));
  }
  if (!ruleset.ok) return failed('nft', ruleset.place, remedy);
  const sources: Source[] = [{ tables: ruleset.tables, unread: ruleset.unread, remedy }];
  const gaps: Gap[] = [];
  for (const { family, name } of ruleset.xt) {
    if (name !== 'nat' && name !== 'mangle') gaps.push(...unparsed([`table ${name}`], remedy));
    else {
      const told = readIptables('nft', { family, name }, root);
      sources.push(...told.sources);
      gaps.push(...told.gaps);
    }
  }
  return { sources, gaps };
}

/** Both variants of iptables may be installed; the plain name is one of the two. */
function readIptables(variant: 'legacy' | 'nft', { family, name }: LegacyTable, root: boolean): Told {
  const prefix = family === 'ipv4' ? 'iptables' : 'ip6tables';
  const tools = [`${prefix}-${variant}-save`, `${prefix}-save`];
  for (const tool of tools) {
    const file = findTool(tool);
    if (file === null) continue;
    const remedy = `${root ? '' : 'sudo '}${tool} -t ${name}`;
    const ran = runTool(file, ['-t', name]);
    if (!ran.ok) return failed(tool, ran.reason, remedy);
    const ruleset: IptablesRuleset = parseIptablesSave(ran.text, family);
    if (!ruleset.ok) return failed(tool, ruleset.place, remedy);
    if (ruleset.variant !== null && ruleset.variant !== variant) continue;
    return { sources: [{ tables: ruleset.tables, unread: ruleset.unread, remedy }], gaps: [] };
  }
  return { sources: [], gaps: [gapOf('redirects-no-tool', { tool: tools[0] ?? '' }, null)] };
}

/** Whether iptables-legacy has any rules is not told; the tool itself would tell of those that it most often has. */
function unlisted(root: boolean): Told {
  const tool = 'iptables-legacy-save';
  const remedy = findTool(tool) === null ? null : `${root ? '' : 'sudo '}${tool} -t nat`;
  return { sources: [], gaps: [gapOf('redirects-unlisted', {}, remedy)] };
}

function failed(tool: string, reason: string, remedy: string): Told {
  return { sources: [], gaps: [gapOf('redirects-unreadable', { tool, reason }, remedy)] };
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

/** The routes of a router that knows all of the internet are longer: then every rule is told. */
const FIB_LIMIT = 1 << 22;

/** Without the rules for addresses that are none of this host's; those that spare some that are, are partial. */
function onlyLocal(found: readonly Found[]): readonly Redirect[] {
  if (found.every(({ redirect, spares }) => redirect.address === null && spares.length === 0))
    return found.map(({ redirect }) => redirect);
  const known = localAddresses();
  const isLocal = (network: Network): boolean => {
    const own = known[network.family];
    return own === null || own.some((one) => intersectNetworks(one, network) !== null);
  };
  return found.flatMap(({ redirect, spares }) => {
    const network = redirect.address === null ? null : parseNetwork(redirect.address);
    if (network !== null && !isLocal(network)) return [];
    return [spares.some(isLocal) ? { ...redirect, partial: true as const } : redirect];
  });
}

/** This host's own addresses by family; null where they cannot be told. */
function localAddresses(): Readonly<Record<Network['family'], readonly Network[] | null>> {
  const four = readText('/proc/self/net/fib_trie', FIB_LIMIT);
  const six = readText('/proc/self/net/if_inet6', FIB_LIMIT);
  const routes = readText('/proc/self/net/ipv6_route', FIB_LIMIT);
  return {
    ipv4:
      four === null || four.cut
        ? null
        : [...parseFibTrie(four.text), ...(LOOPBACK === null ? [] : [LOOPBACK])],
    // An address that is being tried out has no route yet.
    ipv6:
      six === null || six.cut || routes === null || routes.cut
        ? null
        : [...parseIfInet6(six.text), ...parseIpv6Routes(routes.text)],
  };
}
