import { describe, expect, test } from 'vitest';
import { belowRoot } from './below-root.ts';

function resolve(path: string, links: Readonly<Record<string, string>> = {}): string | null {
  return belowRoot(path, (at) => links[at] ?? null);
}

describe('a path of another system', () => {
  test.each([
    ['/etc/sysctl.d', {}, '/etc/sysctl.d'],
    ['etc//./sysctl.d/', {}, '/etc/sysctl.d'],
    ['/lib/sysctl.d', { '/lib': 'usr/lib' }, '/usr/lib/sysctl.d'],
    ['/etc/x.conf', { '/etc/x.conf': '/srv/x.conf' }, '/srv/x.conf'],
    ['/etc/x.conf', { '/etc/x.conf': '../../../srv/x.conf' }, '/srv/x.conf'],
    ['/../../etc/shadow', {}, '/etc/shadow'],
    ['/a/../b', { '/a': '/c/d' }, '/c/b'],
    ['/', {}, '/'],
    ['/a', { '/a': '/' }, '/'],
  ])('%s with %j is %s', (path, links, found) => {
    expect(resolve(path, links)).toBe(found);
  });

  test('a loop leads nowhere', () => {
    expect(resolve('/a/x', { '/a': 'b', '/b': 'a' })).toBeNull();
    expect(resolve('/a', { '/a': 'a/a' })).toBeNull();
  });
});
