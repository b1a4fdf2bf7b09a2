// names.json: what each port is called, for the cells of the chart. Written by the server, read by the browser.

/** A port's names; empty where there is none. */
export interface PortNames {
  /** As the registry has it. */
  readonly registry: string;
  /** As somebody else has it. */
  readonly other: string;
  /** Still others have it, too. */
  readonly more: boolean;
}

/** The file: distances between ports, and a line a port for each kind of name. */
export interface NamesFile {
  readonly steps: readonly number[];
  readonly registry: string;
  readonly other: string;
  /** A digit a port, 1 where still others have it. */
  readonly more: string;
}

/** Names by port, packed. */
export function packNames(names: ReadonlyMap<number, PortNames>): NamesFile {
  const sorted = [...names].toSorted(([a], [b]) => a - b);
  return {
    steps: sorted.map(([port], index) => port - (sorted[index - 1]?.[0] ?? 0)),
    registry: sorted.map(([, { registry }]) => registry).join('\n'),
    other: sorted.map(([, { other }]) => other).join('\n'),
    more: sorted.map(([, { more }]) => (more ? '1' : '0')).join(''),
  };
}

/** Names by port. */
export function unpackNames({ steps, registry, other, more }: NamesFile): Map<number, PortNames> {
  const registryLines = registry.split('\n');
  const otherLines = other.split('\n');
  let port = 0;
  return new Map(
    steps.map((step, index) => {
      port += step;
      const names = {
        registry: registryLines[index] ?? '',
        other: otherLines[index] ?? '',
        more: more[index] === '1',
      };
      return [port, names] as const;
    }),
  );
}
