// search.json: everything that can be found by name, in columns, which pack better than rows. Written by the server, read
// by the browser.
import type { LookupEntry } from '@portolan/core/web';
import { slugOf } from './slug.ts';

/** The file: a line an entry in each column. */
export interface SearchFile {
  readonly names: string;
  /** Ports as `80,443,8000-8010`. */
  readonly ports: string;
  /** Numbers of vendors, as `0,3`. */
  readonly makers: string;
  readonly vendors: readonly string[];
  /** Entries that only the registry names are 0, others 1. */
  readonly used: string;
  /** Addresses that do not follow from the name, by number of the entry. */
  readonly slugs: Readonly<Record<string, string>>;
}

/** Entries as a file. */
export function packSearch(entries: readonly LookupEntry[]): SearchFile {
  const vendors = [...new Set(entries.flatMap((entry) => entry.vendors))];
  const slugs: Record<string, string> = {};
  for (const [index, { name, slug }] of entries.entries()) {
    if (slugOf(name) !== slug) slugs[index] = slug;
  }
  return {
    names: entries.map(({ name }) => name).join('\n'),
    ports: entries
      .map(({ ports }) =>
        ports.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(','),
      )
      .join('\n'),
    makers: entries.map((entry) => entry.vendors.map((name) => vendors.indexOf(name)).join(',')).join('\n'),
    vendors,
    used: entries.map(({ used }) => (used ? '1' : '0')).join(''),
    slugs,
  };
}

/** A file as entries. */
export function unpackSearch({ names, ports, makers, vendors, used, slugs }: SearchFile): LookupEntry[] {
  const portLines = ports.split('\n');
  const makerLines = makers.split('\n');
  return names.split('\n').map((name, index) => ({
    name,
    slug: slugs[index] ?? slugOf(name),
    ports: (portLines[index] ?? '')
      .split(',')
      .filter((text) => text !== '')
      .map((text) => {
        const [first = 0, last = first] = text.split('-').map(Number);
        return [first, last] as const;
      }),
    vendors: (makerLines[index] ?? '')
      .split(',')
      .filter((text) => text !== '')
      .map((text) => vendors[Number(text)] ?? ''),
    used: used[index] === '1',
  }));
}
