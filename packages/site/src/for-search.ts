// What search engines read: sitemap.xml (sitemaps.org protocol 0.9) and robots.txt (RFC 9309).

/** Most addresses of one sitemap, by the protocol. */
const MOST = 50_000;

const OPEN = '<?xml version="1.0" encoding="UTF-8"?>\n';
const SPACE = 'http://www.sitemaps.org/schemas/sitemap/0.9';

/** Sitemaps by file name, of whole addresses; more than 50,000 take several and an index. `base` is where they will lie. */
export function sitemaps(addresses: readonly string[], base: string): ReadonlyMap<string, string> {
  if (addresses.length <= MOST) return new Map([['sitemap.xml', urlSet(addresses)]]);
  const files = new Map<string, string>();
  for (let at = 0; at < addresses.length; at += MOST) {
    files.set(`sitemap-${at / MOST + 1}.xml`, urlSet(addresses.slice(at, at + MOST)));
  }
  const entries = [...files.keys()].map(
    (name) => `<sitemap><loc>${escaped(`${base}/${name}`)}</loc></sitemap>\n`,
  );
  files.set('sitemap.xml', `${OPEN}<sitemapindex xmlns="${SPACE}">\n${entries.join('')}</sitemapindex>\n`);
  return files;
}

function urlSet(addresses: readonly string[]): string {
  const entries = addresses.map((address) => `<url><loc>${escaped(address)}</loc></url>\n`);
  return `${OPEN}<urlset xmlns="${SPACE}">\n${entries.join('')}</urlset>\n`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** Everything but the interface for programs, which files have none of; and where the sitemap lies, where there is one. */
export function robots(base: string | null, outlet: 'server' | 'static'): string {
  const rule = outlet === 'server' ? 'Disallow: /api/' : 'Disallow:';
  return `User-agent: *\n${rule}\n${base === null ? '' : `\nSitemap: ${base}/sitemap.xml\n`}`;
}
