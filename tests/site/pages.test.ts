// What pages say, and what a page that knows no host must never say; marks, sources and anchors that belong together.
import { type Message, type MessageValue, type Socket, say } from '@portolan/core';
import { loadTranslator, PAGE_LANGUAGES, type PageEnv, pageHtml } from '@portolan/core/web';
import { beforeAll, describe, expect, test } from 'vitest';
import { makeSocket } from '../../fixtures/makers.ts';
import { fileLinks, serverLinks } from '../../packages/site/src/links.ts';
import { makeSite, type Sight, type Site } from '../../packages/site/src/site.ts';
import { builtFacts } from './facts.ts';

let site: Site;
let lang: PageEnv['lang'];

beforeAll(async () => {
  site = makeSite(builtFacts(), 'portolan');
  lang = await loadTranslator('en', 'pages');
});

function env(path: string, over: Partial<PageEnv> = {}): PageEnv {
  return {
    lang,
    dir: 'ltr',
    languages: PAGE_LANGUAGES,
    links: fileLinks('en', path, 'https://ports.example'),
    outlet: 'static',
    feedback: null,
    find: null,
    live: null,
    marked: new Set(),
    memo: new Map(),
    ...over,
  };
}

const html = (port: number): string => {
  const page = site.portPage(port, null, null);
  return pageHtml(page, env(page.path));
};

/** The words of a page without its markup. */
function words(page: string): string {
  return page
    .replace(/<(script|style)\b.*?<\/\1>/gs, ' ')
    .replace(/<[^>]*>/g, ' ')
    .replace(/&#39;/g, "'")
    .replace(/&quot;/g, '"')
    .replace(/&lt;/g, '<')
    .replace(/&gt;/g, '>')
    .replace(/&amp;/g, '&')
    .replace(/\s+/g, ' ');
}

const SIGHT: Sight = {
  host: 'box',
  inUse: [60_163],
  snapshot: {
    platform: 'linux',
    release: '6.1',
    takenAt: '2026-01-01T00:00:00Z',
    via: 'sock_diag',
    limits: { ephemeral: [32_768, 60_999], reserved: [], unprivilegedFrom: 1024 },
    ephemeralUse: null,
    sockets: [],
    redirects: [],
    gaps: [],
  },
};

/** Sentences that only somebody who looked at a host can say. */
const OF_A_HOST =
  /^(answer\.(held|free|unknown)|also\.inside|here\.|kind\.|holder\.|owner\.|who\.|gap\.|risk\.(inuse|ephemeral|privileged|chance)|remedy\.reserve|forecast\.|ruler\.(label$|ephemeral)|web\.answer\.usable\.(handed|reserved)|web\.card\.(free|listening|bound|connection|closing|redirect|kernel|unknown)|web\.near\.here)/;

/** Notes every sentence that a page says, those inside others, too. */
function listening(): { said: Set<string>; lang: PageEnv['lang'] } {
  const said = new Set<string>();
  const note = (message: Message): void => {
    said.add(message.key);
    for (const value of Object.values(message.values)) noteValue(value);
  };
  const noteValue = (value: MessageValue): void => {
    if (typeof value !== 'object') return;
    if ('key' in value) note(value);
    else if ('list' in value) for (const item of value.list) noteValue(item);
  };
  return {
    said,
    lang: {
      ...lang,
      say(message) {
        note(message);
        return lang.say(message);
      },
    },
  };
}

describe('a page that knows no host', () => {
  test('says nothing of one, whatever the port', () => {
    const ears = listening();
    for (let port = 0; port <= 65_535; port += 41) {
      const page = site.portPage(port, null, null);
      pageHtml(page, env(page.path, { lang: ears.lang }));
    }
    expect([...ears.said].filter((key) => OF_A_HOST.test(key))).toEqual([]);
    expect(ears.said.size).toBeGreaterThan(60);
  });

  test('the test would hear it', () => {
    const ears = listening();
    const page = site.portPage(60_163, null, SIGHT);
    pageHtml(page, env(page.path, { lang: ears.lang, outlet: 'live' }));
    expect([...ears.said].filter((key) => OF_A_HOST.test(key))).toContain('answer.free');
  });

  test('has no number of a host’s range that is none of a system’s default', () => {
    expect(words(html(60_163))).not.toContain('This host');
    expect(html(60_163)).not.toContain('r-ephemeral');
  });
});

describe('marks and sources', () => {
  test('every mark leads to a source, every source back to a mark, no id twice', () => {
    for (const port of [0, 22, 80, 443, 631, 3000, 5000, 8080, 27_017, 49_152, 51_820, 60_163, 65_535]) {
      const page = html(port);
      const ids = [...page.matchAll(/ id="([^"]+)"/g)].map((match) => match[1] ?? '');
      expect(ids.length, String(port)).toBe(new Set(ids).size);
      for (const [, target = ''] of page.matchAll(/href="#([^"]+)"/g)) expect(ids).toContain(target);
      const sources = ids.filter((id) => /^s\d+$/.test(id));
      expect(sources.length).toBeGreaterThan(0);
      for (const id of sources) expect(ids, `${port} ${id}`).toContain(id.replace('s', 'r'));
    }
  });

  test('no claim is without a source', () => {
    for (let port = 0; port <= 65_535; port += 997) {
      const page = site.portPage(port, null, null);
      for (const { blocks } of page.main) {
        for (const block of blocks) {
          if (block.kind !== 'claims' && block.kind !== 'wide-claims') continue;
          for (const { ref } of block.rows) expect(page.sources.some(({ n }) => n === ref)).toBe(true);
        }
      }
    }
  });
});

describe('60163', () => {
  test('nothing of what an encyclopedia has wrong about it', () => {
    const text = words(html(60_163));
    // Statements 1, 3, 10, 19, 21, 22: nobody registered it and none could.
    expect(text).toContain('IANA never assigns a number of 49152–65535: 60163 belongs to nobody.');
    expect(text).toContain('Is port 60163 registered with IANA? No, and it cannot be');
    expect(text).not.toMatch(/registered to|is assigned to|reserved for Xsan/i);
    // The claim on the whole range is told as that, with its transport and its size.
    expect(text).toMatch(
      /Is 60163 the port of Xsan\? No\. Apple lists all of 49152–65535 \(tcp\) for Xsan: 16,384 ports/,
    );
    // Statements 4, 5: the system's own ranges are others than IANA's.
    expect(text).toMatch(/Linux, macOS, FreeBSD, Windows/);
    // Statements 13 to 16: what each command does not show stands beside it.
    expect(text).toContain("sudo ss -tanp 'sport = :60163'");
    expect(text).toMatch(/sockets that are bound and not listening, other network namespaces/);
    expect(text).toMatch(/ranges that Windows keeps back/);
    // Statements 24, 25: transports, and how to keep the port.
    expect(text).toMatch(/Mosh .*?udp/);
  });

  test('what is Apple’s for UDP is another claim than Xsan’s for TCP', () => {
    const rows = site
      .portPage(60_163, null, null)
      .main.flatMap(({ blocks }) => blocks)
      .flatMap((block) => (block.kind === 'wide-claims' ? block.rows : []))
      .map(({ line }) => `${line.name} ${line.transports.join(' ')}`);
    expect(rows).toContain('Xsan tcp');
    expect(rows).toContain('Back to My Mac udp');
  });
});

describe('a page that knows a host', () => {
  test('says what is there, in the card and in the ruler', () => {
    const page = site.portPage(60_163, null, SIGHT);
    const text = pageHtml(page, env(page.path, { outlet: 'live', links: serverLinks('en', null) }));
    expect(text).toContain('data-state="free"');
    expect(text).toContain('r-ephemeral');
    expect(words(text)).toContain('60163 is free here now');
  });

  test('and not to a visitor who may not see it', () => {
    const page = site.portPage(60_163, null, null);
    const text = pageHtml(page, env(page.path, { outlet: 'closed', links: serverLinks('en', null) }));
    expect(words(text)).toContain(lang.say(say('web.card.closed')));
    expect(words(text)).not.toContain('free here now');
  });
});

describe('what search engines are told', () => {
  const robots = (port: number): boolean => html(port).includes('noindex');
  test('pages with nothing of their own stay out', () => {
    expect(robots(60_163)).toBe(true);
    expect(robots(5432)).toBe(false);
    expect(robots(6000)).toBe(false);
  });

  test('JSON-LD that can be read, with the addresses of the page', () => {
    const [, json = ''] = /<script type="application\/ld\+json">(.*?)<\/script>/s.exec(html(5432)) ?? [];
    const graph = (JSON.parse(json) as { '@graph': { '@type': string; '@id'?: string }[] })['@graph'];
    expect(graph.map((entry) => entry['@type'])).toEqual(['TechArticle', 'BreadcrumbList', 'FAQPage']);
    expect(graph[0]?.['@id']).toBe('https://ports.example/en/ports/5432.html');
  });
});

describe('a host that could not be looked at', () => {
  const blind: Sight['snapshot'] = {
    ...SIGHT.snapshot,
    limits: { ephemeral: null, reserved: null, unprivilegedFrom: null },
    gaps: [{ code: 'look-failed', values: { reason: 'EIO' }, coversUse: true, remedy: null, transports: [] }],
  };

  test('its page never says that nobody listens', () => {
    const page = site.herePage({ host: 'box', snapshot: blind }, null);
    const text = words(pageHtml(page, env(page.path, { outlet: 'live' })));
    expect(text).toContain('looking at it failed (EIO)');
    expect(text).not.toMatch(/Nobody listens|0 ports are listened on|0 connections/);
    const seen = site.herePage({ host: 'box', snapshot: SIGHT.snapshot }, null);
    expect(words(pageHtml(seen, env(seen.path, { outlet: 'live' })))).toContain('Nobody listens');
  });

  test('the page of a port comes with its claims, and is not called free', () => {
    const page = site.portPage(5432, null, { ...SIGHT, inUse: [], snapshot: blind });
    const text = words(pageHtml(page, env(page.path, { outlet: 'live' })));
    expect(text).toContain('IANA assigns 5432 to postgresql');
    expect(text).toContain('looking at it failed (EIO)');
    expect(text).not.toContain('5432 is free here');
    expect(text).not.toContain('outside the range this host hands out');
  });
});

describe('what is said in one place is not gainsaid in another', () => {
  const live = (port: number, transport: 'tcp' | 'udp' | null, sight: Sight = SIGHT): string => {
    const page = site.portPage(port, transport, sight);
    return words(pageHtml(page, env(page.path, { outlet: 'live' })));
  };

  test('a port that browsers block is never said to be open to them', () => {
    for (const port of [0, 6000]) {
      expect(live(port, 'udp')).not.toContain('not on the browsers');
      const page = site.portPage(port, 'udp', null);
      expect(words(pageHtml(page, env(page.path)))).not.toContain('browsers open it');
    }
    expect(live(8443, null)).toContain("not on the browsers' blocked list");
  });

  test('port 0 is neither free nor anybody’s to use', () => {
    for (const text of [live(0, null), words(html(0))]) {
      expect(text).not.toMatch(/Can I use 0|How do I free 0|Is it dangerous if 0/);
      expect(text).toContain('binding 0 asks the system to choose one');
    }
    const page = site.portPage(0, null, SIGHT);
    expect(pageHtml(page, env(page.path, { outlet: 'live' }))).not.toContain('data-state="free"');
  });

  test('a port in use is not offered, and the privilege is the host’s', () => {
    const socket = {
      transport: 'tcp',
      family: 'ipv4',
      local: { address: '127.0.0.1', port: 8443 },
      remote: null,
      state: 'LISTEN',
    };
    const snapshot = { ...SIGHT.snapshot, sockets: [makeSocket(socket as Partial<Socket>)] };
    expect(live(8443, null, { ...SIGHT, snapshot })).toContain('while it is in use here. Once it is free:');
    expect(live(8443, null)).not.toContain('while it is in use here');
    const limits = { ...SIGHT.snapshot.limits, unprivilegedFrom: 0 };
    expect(live(80, null)).toContain('the privilege that System Ports need');
    expect(live(80, null, { ...SIGHT, snapshot: { ...SIGHT.snapshot, limits } })).not.toContain(
      'the privilege that System Ports need',
    );
  });

  test('as many others as are named', () => {
    expect(words(html(9090))).toContain('4 others say Cockpit Dapr Headscale Prometheus');
    expect(words(html(10_250))).toContain('CNCF says');
  });

  test('what IANA holds in reserve is assigned to nobody', () => {
    for (const port of [0, 1023, 1024, 49_151]) {
      expect(words(html(port)), String(port)).toContain(`IANA holds ${port} in reserve.`);
      expect(words(html(port)), String(port)).not.toContain('Yes: as');
    }
  });
});

test('the page of the host gives a number to nobody for what is only on record', () => {
  const socket = makeSocket({
    transport: 'udp',
    family: 'ipv4',
    local: { address: '127.0.0.1', port: 51_820 },
    remote: null,
    state: 'UNCONN',
  } as Partial<Socket>);
  const snapshot = { ...SIGHT.snapshot, sockets: [socket] };
  const page = site.herePage({ host: 'box', snapshot }, null);
  const text = words(pageHtml(page, env(page.path, { outlet: 'live' })));
  expect(text).toContain('WireGuard');
  expect(text).not.toMatch(/NetBird|belongs to|Could collide/);
});

describe('tens of thousands of sockets', () => {
  const connection = (n: number): Socket =>
    makeSocket({
      local: { address: '192.0.2.1', port: 443 },
      peer: { address: `198.51.${n >> 8}.${n & 255}`, port: 50_000 },
      state: 'ESTABLISHED',
    });
  const listener = (port: number, address = '127.0.0.1'): Socket =>
    makeSocket({ local: { address, port }, state: 'LISTEN' });

  test('a port’s page has some of them and says how many it leaves out, and where they are', () => {
    const sockets = Array.from({ length: 20_000 }, (_, n) => connection(n));
    const sight = { host: 'box', snapshot: { ...SIGHT.snapshot, sockets }, inUse: [443] };
    const page = site.portPage(443, null, sight);
    const text = pageHtml(page, env(page.path, { outlet: 'live' }));
    expect(text.length).toBeLessThan(500_000);
    expect(words(text)).toContain('and 19,900 more portolan who 443');
  });

  test('so has the page of the host', () => {
    const sockets = Array.from({ length: 25_000 }, (_, n) => listener(1024 + n));
    const page = site.herePage({ host: 'box', snapshot: { ...SIGHT.snapshot, sockets } }, null);
    const text = pageHtml(page, env(page.path, { outlet: 'live' }));
    expect(text.length).toBeLessThan(1_500_000);
    expect(words(text)).toContain('and 24,000 more portolan list');
  });

  test('a program that listens on two addresses is told once to be in the way', () => {
    const sockets = [listener(40_000), listener(40_000, '::1'), listener(40_002)];
    const page = site.herePage({ host: 'box', snapshot: { ...SIGHT.snapshot, sockets } }, null);
    const text = words(pageHtml(page, env(page.path, { outlet: 'live' })));
    const section = text.slice(text.indexOf('Could collide'));
    expect(section.match(/reserve 40000 --apply/g)).toHaveLength(1);
    expect(section.match(/reserve 40002 --apply/g)).toHaveLength(1);
  });
});
