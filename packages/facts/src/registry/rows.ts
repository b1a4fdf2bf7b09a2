// Registry rows (one number or run, one name, one transport) to claims, with the transports of a name joined.
import { type Claim, type PortRange, TRANSPORTS, type Transport } from '@portolan/core';

/** One row of the registry, whatever file it was read from. */
export interface RegistryRow {
  readonly ports: PortRange;
  /** Empty where the record names no transport. */
  readonly transports: readonly Transport[];
  /** Service name; null for a reserved number. */
  readonly name: string | null;
  readonly description: string;
  /** Text of "Known Unauthorized Uses"; the row then tells that use and nothing else. */
  readonly misuse: string | null;
  /** Id of the source it was read in. */
  readonly source: string;
}

/** Longest text that is kept of a description or remark. */
const TEXT_LIMIT = 240;

/** Claims of authority `registry` (assigned, reserved) and `observed` (unauthorised use), ids unique. */
export function registryClaims(rows: readonly RegistryRow[]): Claim[] {
  const groups = new Map<string, { row: RegistryRow; transports: Set<Transport> }>();
  for (const row of rows) {
    const key = [
      row.ports.join('-'),
      row.name ?? '',
      row.misuse ?? '',
      row.source,
      row.misuse === null ? row.description : '',
    ].join('\u0000');
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { row, transports: new Set(row.transports) });
    else for (const transport of row.transports) group.transports.add(transport);
  }
  const ids = new Map<string, number>();
  return [...groups.values()].map(({ row, transports }) => {
    const kind = row.misuse !== null ? 'misuse' : row.name === null ? 'reserved' : row.name;
    const base = `iana:${kind}:${row.ports[0] === row.ports[1] ? row.ports[0] : row.ports.join('-')}`;
    const nth = (ids.get(base) ?? 0) + 1;
    ids.set(base, nth);
    const common = {
      id: nth === 1 ? base : `${base}:${nth}`,
      ports: row.ports,
      transports: TRANSPORTS.filter((transport) => transports.has(transport)),
      product: null,
      vendor: null,
      source: row.source,
      confidence: 'verified' as const,
    };
    if (row.misuse !== null) {
      return {
        ...common,
        service: 'unauthorized use',
        authority: 'observed' as const,
        note: clean(row.misuse),
      };
    }
    const note = clean(row.description);
    return {
      ...common,
      service: row.name ?? 'Reserved',
      authority: 'registry' as const,
      note: note === '' || note === 'Reserved' ? null : note,
      status: row.name === null ? ('reserved' as const) : ('assigned' as const),
    };
  });
}

/** One line without control characters, cut at a word. */
function clean(text: string): string {
  // biome-ignore lint: control characters are what is taken out here
  const line = text
    .replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();
  if (line.length <= TEXT_LIMIT) return line;
  return `${line.slice(0, line.lastIndexOf(' ', TEXT_LIMIT))} …`;
}
