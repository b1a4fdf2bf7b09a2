// Rule url-https: sources are linked by https, unless their publisher offers none.
import type { Finding, LintRule } from './rule.ts';
import { HTTP_URLS_FILE, SOURCES_FILE } from './rule.ts';

export const rule: LintRule = {
  name: 'url-https',
  why: 'A reader who checks a source must get what its publisher wrote, not what a network on the way says.',
  check(data) {
    const excused = new Set(data.exceptions.httpUrls.map(({ key }) => key));
    const findings: Finding[] = [];
    for (const [id, source] of Object.entries(data.sources)) {
      const protocol = URL.canParse(source.url) ? new URL(source.url).protocol : null;
      if (protocol === 'https:' || (protocol === 'http:' && excused.has(source.url))) continue;
      findings.push({ file: SOURCES_FILE, where: id, message: `${source.url} is not an https address` });
    }
    const urls = new Set(Object.values(data.sources).map(({ url }) => url));
    for (const key of excused) {
      if (!urls.has(key))
        findings.push({ file: HTTP_URLS_FILE, where: key, message: 'is the URL of no source' });
    }
    return findings;
  },
};
