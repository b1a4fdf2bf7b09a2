// The files that pages load, made from the facts as they ship: the chart's bytes and picture, names, the search's index.
import { brotliCompressSync } from 'node:zlib';
import { Lookup } from '@portolan/core/web';
import { beforeAll, describe, expect, test } from 'vitest';
import { decodePng } from '../../fixtures/png.ts';
import {
  lookupEntries,
  namesOf,
  PICTURE,
  siteAssets,
  thousandsOf,
} from '../../packages/site/src/chart-data.ts';
import { FLAG } from '../../packages/site/src/formats/flags.ts';
import { type NamesFile, unpackNames } from '../../packages/site/src/formats/names.ts';
import { type SearchFile, unpackSearch } from '../../packages/site/src/formats/search.ts';
import { makeSite, type Site } from '../../packages/site/src/site.ts';
import { styleSheet } from '../../tools/style.mjs';
import { builtFacts } from './facts.ts';

let site: Site;
let assets: Map<string, Uint8Array>;
beforeAll(() => {
  site = makeSite(builtFacts(), 'portolan');
  assets = siteAssets(site);
});

function asset(name: string): Uint8Array {
  const found = assets.get(name);
  if (found === undefined) throw new Error(`no ${name}`);
  return found;
}
const json = (name: string): unknown => JSON.parse(new TextDecoder().decode(asset(name)));

test('a byte a port, small on the wire', () => {
  expect(asset('chart.bin')).toHaveLength(65_536);
  expect(asset('chart.bin')[443]).toBe(site.atlas.flags[443]);
  expect(brotliCompressSync(asset('chart.bin')).length).toBeLessThan(5000);
});

describe('the picture', () => {
  test.each(['day', 'night'] as const)('decodes to what is known of each port: %s', (time) => {
    const { width, height, pixels, palette } = decodePng(
      asset(time === 'day' ? 'chart.png' : 'chart-night.png'),
    );
    expect([width, height]).toEqual([1000, 66]);
    expect(palette).toEqual(PICTURE[time]);
    const kinds = PICTURE.names;
    for (let port = 0; port < 65_536; port++) {
      const flags = site.atlas.flags[port] ?? 0;
      const kind = kinds[pixels[port] ?? -1] ?? '';
      const assigned = (flags & (FLAG.tcp | FLAG.udp | FLAG.other)) !== 0;
      const both = (flags & FLAG.tcp) !== 0 && (flags & FLAG.udp) !== 0;
      const range = port < 1024 ? 'system' : port < 49_152 ? 'user' : 'dynamic';
      const wanted =
        (flags & FLAG.claimed) !== 0
          ? 'claimed'
          : assigned
            ? `assigned${both ? '' : '-one'}${port < 1024 ? '-system' : ''}`
            : (flags & FLAG.reserved) !== 0
              ? 'reserved'
              : range;
      if (kind !== wanted) expect.fail(`${port}: ${kind}, not ${wanted}`);
    }
    expect([...pixels.subarray(65_536)].every((pixel) => kinds[pixel] === 'sheet')).toBe(true);
  });

  test('has the colours of the style sheet, so that the canvas in its place changes nothing', () => {
    const css = styleSheet();
    const values = (name: string): string[] =>
      [...css.matchAll(new RegExp(`--${name}: (#[0-9a-f]+);`, 'g'))].map((match) => match[1] ?? '');
    for (const [index, name] of PICTURE.names.entries()) {
      const property = name === 'sheet' ? 'sheet' : `c-${name}`;
      // By day, by the system's night, and by the night that was chosen.
      expect(values(property), name).toEqual([
        PICTURE.day[index],
        PICTURE.night[index],
        PICTURE.night[index],
      ]);
    }
  });
});

test('names come back as they were', () => {
  const names = unpackNames(json('names.json') as NamesFile);
  expect(names).toEqual(namesOf(site));
  expect(names.get(5432)).toEqual({ registry: 'postgresql', other: 'PostgreSQL', more: true });
  expect(names.get(22)?.registry).toBe('ssh');
  expect(names.get(60_163)).toBeUndefined();
  for (const [port, { registry, other }] of names) expect(`${registry}${other}`, String(port)).not.toBe('');
});

describe('the index of the search', () => {
  test('comes back as it was, within its budget', () => {
    const entries = unpackSearch(json('search.json') as SearchFile);
    expect(entries).toEqual(lookupEntries(site.atlas));
    expect(brotliCompressSync(asset('search.json')).length).toBeLessThan(100_000);
  });
  test('every entry leads to a page that is there', () => {
    for (const { slug } of unpackSearch(json('search.json') as SearchFile)) {
      if (!site.atlas.services.has(slug)) expect.fail(slug);
    }
  });
  test('finds what people look for first', () => {
    const lookup = new Lookup(unpackSearch(json('search.json') as SearchFile));
    const first = (query: string): string | number | undefined => {
      const [hit] = lookup.find(query, 1);
      return hit?.kind === 'port' ? hit.port : hit?.entry.name;
    };
    expect(first('xsan')).toBe('Xsan');
    expect(first('postgres')).toBe('PostgreSQL');
    expect(first('8080')).toBe(8080);
    expect(first('ssh')).toBe('ssh');
    expect(lookup.find('apple', 40).some((hit) => hit.kind === 'service' && hit.entry.name === 'Xsan')).toBe(
      true,
    );
  });
});

test('the table counts what the chart shows', () => {
  const thousands = thousandsOf(site.atlas.flags);
  expect(thousands).toHaveLength(66);
  expect(thousands.at(-1)?.first).toBe(65_000);
  const assigned = [...site.atlas.flags].filter((flag) => (flag & (FLAG.tcp | FLAG.udp | FLAG.other)) !== 0);
  expect(thousands.reduce((sum, thousand) => sum + thousand.assigned, 0)).toBe(assigned.length);
  // Nothing in 49152–65535 is assigned, ever.
  expect(thousands.slice(50).every((thousand) => thousand.assigned === 0)).toBe(true);
});
