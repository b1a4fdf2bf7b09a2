// Ranges that Windows hands out and keeps back, as netsh lists them for each transport and family.
import type { Exclusion, Gap, HostLimits, PortRange, Transport, WindowsList } from '@portolan/core';
import { type ExcludedRange, parseDynamicPorts, parseExcludedRanges } from '../parse/win32-netsh.ts';
import type { ToolRunner } from './run-tool.ts';

/** One of the lists that netsh keeps. */
interface List {
  readonly transport: 'tcp' | 'udp';
  readonly family: 'ipv4' | 'ipv6';
}

export interface Ranges {
  readonly limits: HostLimits;
  /** Those that no administrator made: a bind in them fails. */
  readonly exclusions: readonly Exclusion[];
  readonly gaps: readonly Gap[];
}

/** Windows has no ports for which a bind needs a right. */
const NO_PRIVILEGED = 0;

/** Reads the lists of these transports; without `limits` only what is kept back. */
export async function readRanges(
  run: ToolRunner,
  transports: readonly Transport[],
  withLimits: boolean,
): Promise<Ranges> {
  const lists = listsOf(transports);
  const excluded = await Promise.all(lists.map((list) => readExcluded(run, list)));
  const dynamic = await Promise.all(
    lists.map((list) => (withLimits ? readDynamic(run, list) : Promise.resolve(null))),
  );
  const unread = lists.filter((_, i) => excluded[i] === null);
  const gaps: Gap[] =
    unread.length === 0
      ? []
      : [
          {
            code: 'exclusions-unreadable',
            values: { lists: unread.map(nameOf).join(', ') },
            remedy: unread.slice(0, 1).map(excludedCommand).join(''),
            coversUse: true,
            transports: [...new Set(unread.map(({ transport }) => transport))],
          },
        ];
  const exclusions = lists.flatMap((list, i) =>
    (excluded[i] ?? [])
      .filter(({ administered }) => !administered)
      .map(({ ports }): Exclusion => ({ ...list, ports })),
  );
  if (!withLimits)
    return { limits: { ephemeral: null, reserved: null, unprivilegedFrom: null }, exclusions, gaps };
  const ephemeral = dynamic[0] ?? null;
  const given = lists[0];
  if (ephemeral === null && given !== undefined) {
    gaps.push({
      code: 'limits-unreadable',
      values: { names: `dynamicport ${nameOf(given)}` },
      remedy: `netsh int ${given.family} show dynamicport ${given.transport}`,
      coversUse: false,
      transports: [],
    });
  }
  const others = lists.filter((_, i) => !sameRange(dynamic[i] ?? null, ephemeral));
  if (ephemeral !== null && given !== undefined && others.length > 0) {
    const told = others.map((list) => {
      const range = dynamic[lists.indexOf(list)] ?? null;
      return `${nameOf(list)} (${range === null ? '?' : range.join('–')})`;
    });
    gaps.push({
      code: 'ranges-differ',
      values: { given: nameOf(given), others: told.join(', ') },
      remedy: others
        .slice(0, 1)
        .map(({ family, transport }) => `netsh int ${family} show dynamicport ${transport}`)
        .join(''),
      coversUse: false,
      transports: [],
    });
  }
  const reserved = excluded.some((list) => list === null) ? null : common(excluded.filter((l) => l !== null));
  return { limits: { ephemeral, reserved, unprivilegedFrom: NO_PRIVILEGED }, exclusions, gaps };
}

/** All four lists of excluded ranges; null where one cannot be read. */
export async function excludedLists(run: ToolRunner): Promise<readonly WindowsList[] | null> {
  const read = await Promise.all(
    listsOf(['tcp', 'udp']).map(async (list) => {
      const ranges = await readExcluded(run, list);
      return ranges === null ? null : { ...list, ranges };
    }),
  );
  const lists = read.filter((list) => list !== null);
  return lists.length === read.length ? lists : null;
}

function listsOf(transports: readonly Transport[]): List[] {
  return (['tcp', 'udp'] as const)
    .filter((transport) => transports.includes(transport))
    .flatMap((transport): List[] => [
      { transport, family: 'ipv4' },
      { transport, family: 'ipv6' },
    ]);
}

function nameOf({ transport, family }: List): string {
  return `${transport.toUpperCase()}/${family === 'ipv4' ? 'IPv4' : 'IPv6'}`;
}

function excludedCommand({ transport, family }: List): string {
  return `netsh interface ${family} show excludedportrange protocol=${transport}`;
}

async function readExcluded(run: ToolRunner, list: List): Promise<ExcludedRange[] | null> {
  const result = await run('netsh', excludedCommand(list).split(' ').slice(1));
  return result.ok ? parseExcludedRanges(result.text) : null;
}

async function readDynamic(run: ToolRunner, { family, transport }: List): Promise<PortRange | null> {
  const result = await run('netsh', ['interface', family, 'show', 'dynamicport', transport]);
  return result.ok ? parseDynamicPorts(result.text) : null;
}

function sameRange(a: PortRange | null, b: PortRange | null): boolean {
  return a !== null && b !== null && a[0] === b[0] && a[1] === b[1];
}

const PORTS = 1 << 16;

/** Ports that stand in every list: only those are never chosen, whatever is asked for. */
function common(lists: readonly (readonly ExcludedRange[])[]): PortRange[] {
  const counts = new Uint8Array(PORTS + 1);
  for (const list of lists) {
    const own = new Uint8Array(PORTS);
    for (const { ports } of list) own.fill(1, ports[0], ports[1] + 1);
    for (let port = 0; port < PORTS; port++) counts[port] = (counts[port] ?? 0) + (own[port] ?? 0);
  }
  const ranges: PortRange[] = [];
  if (lists.length === 0) return ranges;
  for (let port = 0; port < PORTS; port++) {
    if (counts[port] !== lists.length) continue;
    const first = port;
    while (counts[port + 1] === lists.length) port++;
    ranges.push([first, port]);
  }
  return ranges;
}
