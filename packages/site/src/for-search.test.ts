import { join } from 'node:path';
import { openFacts } from '@portolan/facts';
import { expect, test } from 'vitest';
import { robots, sitemaps } from './for-search.ts';
import { isSpecific, portPath } from './paths.ts';
import { makeSite } from './site.ts';

const SHIPPED = join(import.meta.dirname, '..', '..', 'portolan', 'dist', 'facts');

test('one file for few addresses, an index for more than fifty thousand', () => {
  const addresses = (count: number): string[] =>
    Array.from({ length: count }, (_, index) => `https://x.test/${index}?a&b`);
  const one = sitemaps(addresses(50_000), 'https://x.test');
  expect([...one.keys()]).toEqual(['sitemap.xml']);
  expect(one.get('sitemap.xml')).toContain('<loc>https://x.test/0?a&amp;b</loc>');
  const many = sitemaps(addresses(100_001), 'https://x.test');
  expect([...many.keys()]).toEqual(['sitemap-1.xml', 'sitemap-2.xml', 'sitemap-3.xml', 'sitemap.xml']);
  expect(many.get('sitemap-3.xml')?.match(/<loc>/g)).toHaveLength(1);
  expect(many.get('sitemap.xml')).toContain('<loc>https://x.test/sitemap-2.xml</loc>');
  expect(robots('https://x.test', 'server')).toBe(
    'User-agent: *\nDisallow: /api/\n\nSitemap: https://x.test/sitemap.xml\n',
  );
  // A record without a path forbids nothing (RFC 9309 s2.2.2).
  expect(robots(null, 'static')).toBe('User-agent: *\nDisallow:\n');
});

test('what the sitemap takes for particular is what the page says of itself', async () => {
  const facts = openFacts({ shipped: SHIPPED, dataDir: '/nonexistent', whole: true });
  const site = makeSite(facts, 'portolan');
  for (let port = 0; port <= 65_535; port += port < 12_000 ? 7 : 97) {
    expect([port, isSpecific(port, site.atlas)]).toEqual([port, site.portPage(port, null, null).index]);
  }
});

test('a path of a port page, and none that only looks like one', () => {
  expect(portPath('/ports/80')).toEqual({ port: 80, transport: null });
  expect(portPath('/ports/80/udp')).toEqual({ port: 80, transport: 'udp' });
  for (const path of [
    '/ports/080',
    '/ports/65536',
    '/ports/80/',
    '/ports/80/quic',
    '//ports/80',
    '/ports/80#x',
    'ports/80',
    '/ports/80\n',
  ]) {
    expect([path, portPath(path)]).toEqual([path, null]);
  }
});
