// Redirect rules on the terminal: what is matched, where it goes, who made the rule; names that try to steer.
import { describe, expect, test } from 'vitest';
import { makeGap, makeRedirect, makeSnapshot } from '../../../../fixtures/makers.ts';
import { useOf } from '../decide/use.ts';
import type { Redirect } from '../model/socket.ts';
import { translator } from '../text/catalog.ts';
import { listPage, whoPage } from '../view/list.ts';
import type { Page } from '../view/tree.ts';
import { renderTerminal } from './terminal.ts';

const lang = translator('en');
const render = (page: Page): string =>
  renderTerminal(page, { lang, width: 80, color: false, unicode: true, fit: false });

function who(over: Partial<Redirect>): string {
  const redirects = [makeRedirect(over)];
  return render(whoPage(5000, ['tcp'], useOf(makeSnapshot({ redirects }), [5000, 5000], ['tcp'])));
}

function list(...overs: Partial<Redirect>[]): string {
  const { holders } = useOf(makeSnapshot({ redirects: overs.map(makeRedirect) }), null, ['tcp']);
  return render(
    listPage({
      holders,
      gaps: [],
      claimsOf: () => [],
      all: false,
      filtered: false,
      forecasts: [],
      ephemeral: null,
    }),
  );
}

describe('who', () => {
  test.each<[string, Partial<Redirect>, string[]]>([
    ['here', {}, ['*:5000  to port 80 of this host  IPv4 only', 'nftables rule in table mine, chain pre']],
    ['both families', { family: null }, ['to port 80 of this host\n']],
    [
      'elsewhere',
      { target: { address: '10.0.0.1', port: 8080 }, address: '10.9.9.9' },
      ['10.9.9.9:5000  to 10.0.0.1:8080\n'],
    ],
    [
      'IPv6',
      { family: 'ipv6', address: 'fd00::1', target: { address: 'fd00::2', port: 80 } },
      ['[fd00::1]:5000  to [fd00::2]:80\n'],
    ],
    [
      'a range to the same ports',
      { ports: [5000, 5009], target: { address: '10.0.0.1', port: null } },
      ['*:5000–5009  to 10.0.0.1, the same port'],
    ],
    ['the same port here', { target: { address: null, port: null } }, ['to this host, the same port']],
    ['only what comes in', { hooks: ['prerouting'] }, ['chain pre, only for packets that come in']],
    ['only some packets', { partial: true }, ['only for packets that meet further conditions']],
    ['only what goes out', { hooks: ['output'] }, ['chain pre, only for packets of programs here']],
    [
      'a Service',
      { maker: 'kubernetes', name: 'default/web:http' },
      ['made by Kubernetes for default/web:http\n'],
    ],
    ['an engine', { maker: 'docker' }, ['made by Docker\n']],
    ['a comment', { name: 'mine' }, ['its comment: mine\n']],
    [
      'a container',
      { publishes: { container: { runtime: 'podman', id: 'ab'.repeat(32), name: null }, port: 80 } },
      ['container abababababab'],
    ],
  ])('%s', (_, over, parts) => {
    const text = who(over);
    for (const part of parts) expect(text).toContain(part);
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });
  test('outside text cannot steer the terminal', () => {
    const bad = 'x\u001b[31m\r\n\u202ey';
    const text = who({ name: bad, table: bad, chain: bad });
    // biome-ignore lint: control characters are what is looked for
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/);
  });
});

test('list: a range as a range, targets in few characters', () => {
  const text = list(
    {},
    { ports: [6000, 6009], target: { address: '10.0.0.1', port: null } },
    { ports: [7000, 7000], maker: 'docker', target: { address: '172.17.0.2', port: 80 } },
    { ports: [8000, 8000], maker: 'kubernetes', name: 'default/web', address: '10.9.9.9' },
  );
  expect(text).toMatch(/5000\/tcp +redirect +\* → :80 +nftables/);
  expect(text).toMatch(/6000–6009\/tcp +redirect +\* → 10\.0\.0\.1 +nftables/);
  expect(text).toMatch(/7000\/tcp +redirect +\* → 172\.17\.0\.2:80 +Docker/);
  expect(text).toMatch(/8000\/tcp +redirect +10\.9\.9\.9 → :80 +default\/web/);
});

test('each gap about rules is a sentence', () => {
  const say = (code: Parameters<typeof makeGap>[0]): string =>
    render(whoPage(1, ['tcp'], { verdict: 'free', holders: [], gaps: [makeGap(code)] })).replace(/\s+/g, ' ');
  expect(say({ code: 'redirects-no-rights', values: {} })).toContain(
    'no permission to read the packet filter',
  );
  expect(say({ code: 'redirects-no-tool', values: { tool: 'nft' } })).toContain('nft, which would tell them');
  expect(say({ code: 'redirects-unreadable', values: { tool: 'nft', reason: 'exit 1' } })).toContain(
    '(exit 1)',
  );
  expect(say({ code: 'redirects-unlisted', values: {} })).toContain(
    'rules of iptables-legacy that redirect ports: this /proc has no list of the tables in use',
  );
  const places = (rules: number): string =>
    say({ code: 'redirects-unparsed', values: { rules, place: 'table t, chain c' } });
  expect(places(1)).toContain('what 1 rule of the packet filter does to ports');
  expect(places(2)).toContain('what 2 rules of the packet filter do to ports');
});
