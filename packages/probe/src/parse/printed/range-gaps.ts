// What netsh's lists leave open: of which transport and family they are, and which of the four were not printed.
import type { Gap, GapCode } from '@portolan/core';
import type { PrintedRanges } from './row.ts';

/** Windows has each list four times. */
const LISTS = (['tcp', 'udp'] as const).flatMap((transport) =>
  (['ipv4', 'ipv6'] as const).map((family) => ({ transport, family })),
);

type Transport = 'tcp' | 'udp';

/** `TCP/IPv4`; `TCP/?` where the family was not printed. */
function nameOf({ transport, family }: Pick<PrintedRanges, 'transport' | 'family'>): string {
  return `${transport?.toUpperCase() ?? '?'}/${family === null ? '?' : family === 'ipv4' ? 'IPv4' : 'IPv6'}`;
}

/** The gaps of these lists, for output of Windows. Without any list, they are those of output that has none. */
export function rangeGaps(printed: readonly PrintedRanges[]): Gap[] {
  const gaps: Gap[] = [];
  const add = (code: GapCode, values: Gap['values'], more: Partial<Gap>): void => {
    gaps.push({ code, values, remedy: null, coversUse: false, transports: [], ...more });
  };
  const excluded = printed.filter(({ list }) => list === 'excluded');
  const dynamic = printed.filter(({ list }) => list === 'dynamic');
  const nameless = printed.filter(({ transport }) => transport === null).length;
  if (nameless > 0) {
    const coversUse = excluded.some(({ transport }) => transport === null);
    add('printed-ranges-transport', { count: nameless }, { remedy: commandFor('tcp', 'ipv4'), coversUse });
  }
  const familyless = printed.filter(({ transport, family }) => transport !== null && family === null);
  if (familyless.length > 0) {
    const kept = familyless.filter(({ list }) => list === 'excluded').map((each) => each.transport);
    const transports = [...new Set(kept)].filter((each) => each !== null);
    const lists = [...new Set(familyless.map(nameOf))].join(', ');
    add('printed-ranges-family', { lists }, { coversUse: transports.length > 0, transports });
  }
  const untold = missing(excluded);
  const [first] = untold;
  if (first !== undefined) {
    const transports: Transport[] = [...new Set(untold.map(({ transport }) => transport))];
    add(
      'exclusions-unreadable',
      { lists: untold.map(nameOf).join(', ') },
      { remedy: commandFor(first.transport, first.family), coversUse: true, transports },
    );
  }
  // Of output that tells of no range the last gap says so.
  const known = dynamic.filter(({ transport }) => transport !== null);
  const [given] = known;
  if (given === undefined) return gaps;
  const others = known.filter(({ ranges }) => String(ranges[0]?.ports) !== String(given.ranges[0]?.ports));
  if (others.length > 0) {
    const told = others.map((list) => `${nameOf(list)} (${list.ranges[0]?.ports.join('–') ?? '?'})`);
    add('ranges-differ', { given: nameOf(given), others: told.join(', ') }, {});
  }
  const unprinted = missing(dynamic);
  const [next] = unprinted;
  if (next !== undefined) {
    const remedy = `netsh int ${next.family} show dynamicport ${next.transport}`;
    add('printed-dynamic', { lists: unprinted.map(nameOf).join(', ') }, { remedy });
  }
  return gaps;
}

function commandFor(transport: Transport, family: 'ipv4' | 'ipv6'): string {
  return `netsh interface ${family} show excludedportrange protocol=${transport}`;
}

/** Lists that none of these can be; those of unknown family have a gap of their own. */
function missing(printed: readonly PrintedRanges[]): (typeof LISTS)[number][] {
  return LISTS.filter(
    ({ transport, family }) =>
      !printed.some(
        (each) => each.transport === transport && (each.family === null || each.family === family),
      ),
  );
}
