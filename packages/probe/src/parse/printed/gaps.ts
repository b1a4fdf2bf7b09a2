// What a tool's output cannot show by its nature, and what was printed and not understood.
import type { Gap, GapCode, Transport } from '@portolan/core';
import { rangeGaps } from './range-gaps.ts';
import type { PrintedFormat, PrintedRanges, Shown } from './row.ts';

/** The tool behind a form, the command that has it show the most, and what it never shows. */
interface Tool {
  readonly name: string;
  readonly remedy: string | null;
  /** Lists sockets of a whole host. */
  readonly lists?: true;
  /** Shows TCP sockets that are bound and do not listen. */
  readonly bound?: true;
  /** Shows what processes have open, so nothing that none has. */
  readonly byProcess?: true;
  /** Gap for a tool that shows one kind of thing alone. */
  readonly partly?: GapCode;
}

const LSOF: Tool = { name: 'lsof', remedy: 'sudo lsof -nP -i', lists: true, byProcess: true };
const NMAP: Tool = { name: 'nmap', remedy: null, partly: 'printed-scan' };
const DOCKER: Tool = { name: 'docker ps', remedy: null, partly: 'printed-containers' };
const TOOLS: Readonly<Record<PrintedFormat, Tool>> = {
  ss: { name: 'ss', remedy: 'sudo ss -tuanpe', lists: true },
  lsof: LSOF,
  'lsof-fields': LSOF,
  'lsof-json': LSOF,
  netstat: { name: 'netstat', remedy: 'sudo netstat -tuanpe', lists: true },
  'netstat-bsd': { name: 'netstat', remedy: 'netstat -anv', lists: true, bound: true },
  'netstat-windows': { name: 'netstat', remedy: 'netstat -anoq', lists: true },
  netsh: { name: 'netsh', remedy: null, partly: 'printed-ranges' },
  'powershell-json': {
    name: 'PowerShell',
    remedy: 'Get-NetTCPConnection | ConvertTo-Json; Get-NetUDPEndpoint | ConvertTo-Json',
    lists: true,
    bound: true,
  },
  'osquery-json': { name: 'osquery', remedy: null, lists: true, byProcess: true },
  'nmap-xml': NMAP,
  'nmap-grepable': NMAP,
  'docker-table': DOCKER,
  'docker-json': DOCKER,
  'kubectl-json': { name: 'kubectl', remedy: null, partly: 'printed-services' },
  'portolan-json': { name: 'portolan', remedy: null },
};

/** The tool behind a form of output, as people call it. */
export function toolOf(format: PrintedFormat): string {
  return TOOLS[format].name;
}

/** All of them. */
export const TOOL_NAMES: readonly string[] = [...new Set(Object.values(TOOLS).map(({ name }) => name))];

/** Forms of Windows alone, which keeps ports back that no list of sockets shows. */
const WINDOWS: ReadonlySet<PrintedFormat> = new Set(['netstat-windows', 'netsh', 'powershell-json']);

const SHOWN_WORDS = 5;

/** The gaps of all runs together: what one run lacks, another in the same text may have. */
export function gapsOf(
  shown: readonly Shown[],
  ranges: readonly PrintedRanges[],
  beyond: { readonly unknown: number; readonly dropped: number },
): Gap[] {
  const gaps: Gap[] = [];
  const add = (code: GapCode, values: Gap['values'], more: Partial<Gap> = {}): void => {
    gaps.push({ code, values, remedy: null, coversUse: true, transports: [], ...more });
  };
  const lists = shown.filter(({ format }) => TOOLS[format].lists === true);
  const own = shown.some(({ format }) => format === 'portolan-json');
  const sum = (of: (each: Shown) => number): number => lists.reduce((total, each) => total + of(each), 0);
  const tools = [...new Set(lists.map(({ format }) => TOOLS[format].name))].join(', ');
  const remedy = lists.map(({ format }) => TOOLS[format].remedy).find((each) => each !== null) ?? null;
  if (lists.length === 0 && !own) {
    for (const code of new Set(shown.map(({ format }) => TOOLS[format].partly))) {
      if (code !== undefined)
        add(code, { hosts: Math.max(1, new Set(shown.flatMap((each) => [...each.hosts])).size) });
    }
  }
  if (lists.length > 0 && !own) {
    const has = (transport: Transport): boolean => lists.some(({ transports }) => transports.has(transport));
    for (const transport of ['tcp', 'udp'] as const) {
      if (!has(transport))
        add(
          'printed-transport',
          { transport: transport.toUpperCase(), tools },
          { remedy, transports: [transport] },
        );
    }
    if (has('tcp')) {
      const tcp = { remedy, transports: ['tcp'] as const };
      if (sum(({ tcpOthers }) => tcpOthers) === 0) add('printed-listeners-only', { tools }, tcp);
      if (sum(({ tcpListeners }) => tcpListeners) === 0) add('printed-connections-only', { tools }, tcp);
      if (lists.every(({ format, bound }) => TOOLS[format].bound !== true && bound === 0)) {
        add('printed-bound', { tools }, { transports: ['tcp'] });
      }
      if (lists.every(({ format, closing }) => TOOLS[format].byProcess === true && closing === 0)) {
        add('printed-closing', { tools }, { transports: ['tcp'] });
      }
    }
    // Only root sees what root has open.
    if (
      lists.every(
        ({ format, users }) => TOOLS[format].name === 'lsof' && !users.has('root') && !users.has('0'),
      )
    ) {
      add('printed-others', { tools }, { remedy });
    }
    const ownerless = sum((each) => each.ownerless);
    if (ownerless > 0) add('printed-owners', { count: ownerless, tools }, { remedy, coversUse: false });
    if (lists.some(({ format, owned }) => format === 'netstat' && owned > 0)) {
      add('printed-one-owner', {}, { coversUse: false });
    }
  }
  const named = shown.reduce((total, each) => total + each.named, 0);
  if (named > 0) add('printed-names', { count: named }, { coversUse: false });
  const words = [...new Set(shown.flatMap((each) => [...each.words]))];
  if (words.length > 0)
    add('printed-states', { words: words.slice(0, SHOWN_WORDS).join(', ') }, { coversUse: false });
  if (beyond.unknown > 0) add('printed-unknown', { count: beyond.unknown });
  if (beyond.dropped > 0) add('printed-more', { count: beyond.dropped });
  gaps.push(...shown.flatMap(({ said }) => said));
  const windows = shown.some(({ format }) => WINDOWS.has(format));
  if (windows && !own) gaps.push(...rangeGaps(ranges));
  if (shown.length > 0 && !own) {
    const handed = ranges.some(({ list, transport }) => list === 'dynamic' && transport !== null);
    add(handed ? 'printed-rest-ranges' : 'printed-rest', {}, { coversUse: false });
  }
  return gaps;
}
