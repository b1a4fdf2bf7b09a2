// What systemctl prints and which unit names are stopped: nothing that systemd would not take, nothing a shell would mind.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isUnitName, isWithin, listensOn, parseUnitProperties, userManagerOf } from './linux-systemctl.ts';

test('properties, lists line by line, values with signs of equality', () => {
  const found = parseUnitProperties(
    'Id=ssh.socket\nListen=0.0.0.0:22 (Stream)\nListen=[::]:22 (Stream)\nX=a=b\n\nno sign\n=x\nEmpty=\n',
  );
  expect(Object.fromEntries(found)).toEqual({
    Id: ['ssh.socket'],
    Listen: ['0.0.0.0:22 (Stream)', '[::]:22 (Stream)'],
    X: ['a=b'],
    Empty: [''],
  });
});

describe('unit names', () => {
  test.each([
    'nginx.service',
    'getty@tty1.service',
    'dbus-org.x\\x2dy.service',
    'ssh.socket',
    'a:b_c.d.service',
  ])('%s is one', (name) => {
    expect(isUnitName(name)).toBe(true);
  });
  test.each([
    '',
    '.service',
    '-M.service',
    '--user.service',
    'a b.service',
    'a;b.service',
    '$(id).service',
    'a/b.service',
    'a\n.service',
    'a.service\n',
    'session-3.scope',
    'system.slice',
    'nginx',
    `${'a'.repeat(250)}.service`,
  ])('%j is none that is stopped', (name) => {
    expect(isUnitName(name)).toBe(false);
  });
  test('whatever passes has nothing in it that an option or a shell knows, quotes and blanks above all', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 12 }), (text) => {
        const name = `${text}.service`;
        if (isUnitName(name)) expect(name).toMatch(/^[A-Za-z0-9:_.\\@][A-Za-z0-9:_.\\@-]*$/);
      }),
    );
  });
});

test('the port of a socket unit, and no other that looks like it', () => {
  for (const value of ['0.0.0.0:80 (Stream)', '[::]:80 (Datagram)', '80 (Stream)']) {
    expect(listensOn([value], 80), value).toBe(true);
    expect(listensOn([value], 8)).toBe(false);
    expect(listensOn([value], 8080)).toBe(false);
  }
  for (const value of ['/run/80 (Stream)', '0.0.0.0:8080 (Stream)', '/run/x:80', '[::80]:1 (Stream)', '']) {
    expect(listensOn([value], 80), value).toBe(false);
  }
});

test('whose manager', () => {
  expect(userManagerOf('/user.slice/user-1000.slice/user@1000.service/app.slice/x.service')).toBe(1000);
  expect(userManagerOf('/system.slice/x.service')).toBeNull();
  expect(userManagerOf('/user.slice/user-1000.slice/user@1000.service')).toBeNull();
});

test('within a cgroup, by whole names, and never within the root', () => {
  expect(isWithin('/a/b', '/a/b')).toBe(true);
  expect(isWithin('/a/b/c', '/a/b')).toBe(true);
  expect(isWithin('/a/bc', '/a/b')).toBe(false);
  expect(isWithin('/a', '/')).toBe(false);
  expect(isWithin('/a', '')).toBe(false);
});
