// The files that pages need beside style and programs, made from the facts: the chart's bytes, its names, its picture for
// readers without script, and the index of the search.
import { type Claim, claimName, isWide, narrowestFirst, PORT_MAX } from '@portolan/core';
import type { LookupEntry, Thousand } from '@portolan/core/web';
import palette from './assets/style/palette.json' with { type: 'json' };
import type { Atlas } from './atlas.ts';
import { FLAG } from './formats/flags.ts';
import { type PortNames, packNames } from './formats/names.ts';
import { packSearch } from './formats/search.ts';
import { encodePng } from './png.ts';
import type { Site } from './site.ts';

/** Ports of one line of the picture. */
const COLUMNS = 1000;
const LINES = Math.ceil((PORT_MAX + 1) / COLUMNS);

const ASSIGNED = FLAG.tcp | FLAG.udp | FLAG.other;
const BOTH = FLAG.tcp | FLAG.udp;

/** What the picture has colours for, in the order of `pixelOf`. */
const PARTS = [
  'system',
  'user',
  'dynamic',
  'assigned-system',
  'assigned',
  'assigned-one',
  'claimed',
  'reserved',
  'sheet',
  'assigned-one-system',
] as const;

/** What the style sheet calls a colour of the picture. */
const nameOf = (part: (typeof PARTS)[number]): keyof typeof palette =>
  part === 'sheet' ? part : `c-${part}`;

/** Colours of the picture by day and by night: those of the style sheet. */
export const PICTURE: Readonly<Record<'names' | 'day' | 'night', readonly string[]>> = {
  names: PARTS,
  day: PARTS.map((part) => palette[nameOf(part)].day),
  night: PARTS.map((part) => palette[nameOf(part)].night),
};

/** What lies after the last port. */
const BESIDE = 8;

/** The colour of a port in the picture, as a number of its palette. */
export function pixelOf(port: number, flags: number): number {
  if (port > PORT_MAX) return BESIDE;
  const range = port < 1024 ? 0 : port < 49_152 ? 1 : 2;
  if ((flags & FLAG.claimed) !== 0) return 6;
  if ((flags & ASSIGNED) !== 0) return (flags & BOTH) === BOTH ? (range === 0 ? 3 : 4) : range === 0 ? 9 : 5;
  return (flags & FLAG.reserved) !== 0 ? 7 : range;
}

/** Files by name; the same for a server and for an export. */
export function siteAssets(site: Pick<Site, 'facts' | 'atlas'>): Map<string, Uint8Array> {
  const { flags } = site.atlas;
  const pixels = Uint8Array.from({ length: COLUMNS * LINES }, (_, port) => pixelOf(port, flags[port] ?? 0));
  const json = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
  return new Map([
    ['chart.bin', flags],
    ['chart.png', encodePng(COLUMNS, LINES, pixels, PICTURE.day)],
    ['chart-night.png', encodePng(COLUMNS, LINES, pixels, PICTURE.night)],
    ['names.json', json(packNames(namesOf(site)))],
    ['search.json', json(packSearch(lookupEntries(site.atlas)))],
  ]);
}

/** What each port is called: the first name of the registry, and the nearest of others. */
export function namesOf({ facts }: Pick<Site, 'facts'>): Map<number, PortNames> {
  const byPort = new Map<number, Claim[]>();
  for (const claim of facts.allClaims()) {
    if (isWide(claim) || claim.status === 'reserved' || claim.authority === 'observed') continue;
    for (let port = claim.ports[0]; port <= claim.ports[1]; port++) {
      const known = byPort.get(port);
      if (known === undefined) byPort.set(port, [claim]);
      else known.push(claim);
    }
  }
  return new Map(
    [...byPort].map(([port, claims]) => {
      const sorted = narrowestFirst(claims);
      const official = sorted.find(({ authority }) => authority === 'registry');
      const others = new Set(sorted.filter(({ authority }) => authority !== 'registry').map(claimName));
      const [other = ''] = others;
      const registry = official === undefined ? '' : claimName(official);
      return [port, { registry, other, more: others.size > 1 }] as const;
    }),
  );
}

/** Everything that can be found by name. */
export function lookupEntries(atlas: Pick<Atlas, 'services'>): LookupEntry[] {
  return [...atlas.services.values()].flatMap(({ slug, name, claims }) => {
    // A use that is only on record has no name of its own.
    const own = claims.filter((claim) => claim.authority !== 'observed');
    if (own.length === 0) return [];
    const ports = new Map(own.map((claim) => [claim.ports.join('-'), claim.ports]));
    return [
      {
        name,
        slug,
        ports: [...ports.values()].toSorted((a, b) => a[0] - b[0] || a[1] - b[1]),
        vendors: [...new Set(own.flatMap(({ vendor }) => (vendor === null ? [] : [vendor])))],
        used: own.some((claim) => claim.authority !== 'registry'),
      },
    ];
  });
}

/** How much is said of each thousand. */
export function thousandsOf(flags: Uint8Array): Thousand[] {
  return Array.from({ length: LINES }, (_, line) => {
    const own = flags.subarray(line * COLUMNS, (line + 1) * COLUMNS);
    const count = (mask: number): number => own.reduce((sum, flag) => sum + ((flag & mask) === 0 ? 0 : 1), 0);
    return { first: line * COLUMNS, assigned: count(ASSIGNED), claimed: count(FLAG.claimed) };
  });
}
