import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { HEADERS, ownHosts, refusalOf } from './guard.ts';

const hosts = ownHosts(4650);

/** Judges a request; headers may be given several times. */
function judge(
  headers: readonly (readonly [string, string])[],
  target = '/en/ports/80',
  method = 'GET',
): ReturnType<typeof refusalOf> {
  const values = (name: string): string[] =>
    headers.filter(([key]) => key.toLowerCase() === name).map(([, value]) => value);
  return refusalOf({ method, target, values }, hosts);
}

const OWN = ['Host', 'localhost:4650'] as const;

describe('refusalOf', () => {
  test('only our own hosts, letter for letter', () => {
    expect(judge([OWN])).toBe(null);
    expect(judge([['host', '[::1]:4650']])).toBe(null);
    expect(judge([])).toBe('host');
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (host) => {
        fc.pre(!hosts.has(host.toLowerCase()));
        expect(judge([['Host', host]])).toBe('host');
      }),
    );
    expect(ownHosts(80).has('localhost')).toBe(true);
    expect(hosts.has('localhost')).toBe(false);
  });

  test('whatever is asked for, a foreign host, site or origin is refused', () => {
    const target = fc.oneof(fc.webPath(), fc.string(), fc.constantFrom('/', '//', '*', '/api/token'));
    const method = fc.constantFrom('GET', 'HEAD', 'POST', 'OPTIONS', 'PUT', 'DELETE', 'PATCH', 'TRACE');
    const foreign = fc.constantFrom(
      [['Host', 'evil.test:4650']],
      [OWN, ['Sec-Fetch-Site', 'same-site'], ['Sec-Fetch-Mode', 'cors']],
      [OWN, ['Sec-Fetch-Site', 'cross-site'], ['Sec-Fetch-Mode', 'no-cors']],
      [OWN, ['Origin', 'null']],
      [OWN, ['Origin', 'http://localhost:4651']],
      [OWN, OWN],
      [OWN, ['Origin', 'http://localhost:4650'], ['Origin', 'http://evil.test']],
    ) as fc.Arbitrary<readonly (readonly [string, string])[]>;
    fc.assert(
      fc.property(target, method, foreign, (path, verb, headers) => {
        expect(judge(headers, path, verb)).not.toBe(null);
      }),
    );
  });

  test('a link may lead to a plain path and to nothing of the interface', () => {
    const visit = [
      OWN,
      ['Sec-Fetch-Site', 'cross-site'],
      ['Sec-Fetch-Mode', 'navigate'],
      ['Sec-Fetch-Dest', 'document'],
    ] as const;
    for (const path of ['/', '/en/', '/en/ports/80', '/ports/80.json', '/en/find?q=a%20b&x=//..']) {
      expect([path, judge(visit, path)]).toEqual([path, null]);
    }
    for (const path of [
      '/api/x',
      '/api',
      '/API/x',
      '//x',
      '/a//b',
      '/%61pi/x',
      '/a/../api/x',
      '/./x',
      '/a\\b',
      'http://x/',
    ]) {
      expect([path, judge(visit, path)]).toEqual([path, 'cross-site']);
    }
    expect(judge(visit, '/en/ports/80', 'POST')).toBe('cross-site');
  });

  test('what changes something needs our origin, a short body and its length', () => {
    const post = (...more: (readonly [string, string])[]) => judge([OWN, ...more], '/api/useful', 'POST');
    expect(post()).toBe('origin');
    const origin = ['Origin', 'http://127.0.0.1:4650'] as const;
    expect(post(origin)).toBe(null);
    expect(post(origin, ['Content-Length', '4096'])).toBe(null);
    expect(post(origin, ['Content-Length', '4097'])).toBe('size');
    expect(post(origin, ['Transfer-Encoding', 'chunked'])).toBe('length');
    expect(judge([OWN, ['Content-Length', '1']])).toBe('size');
    expect(judge([OWN, origin], '/', 'PUT')).toBe('method');
  });
});

test('the policy lets nothing in', () => {
  const policy = HEADERS['content-security-policy'] ?? '';
  expect(policy).not.toMatch(/unsafe|\*|https?:/);
  for (const part of [
    "default-src 'none'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    "form-action 'self'",
  ]) {
    expect(policy).toContain(part);
  }
});
