// What may be given to ssh: destinations, and the arguments around them.
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { isDestination, readHosts } from './hosts.ts';
import { sshArguments } from './ssh.ts';

test.each([
  'box',
  'user@box',
  'my_box.example.org',
  'user@domain@box',
  'DOMAIN\\user@box',
  'first.last+tag@box',
  '192.0.2.1',
  '2001:db8::1',
  '[2001:db8::1]',
  'fe80::1%eth0',
  'ssh://box',
  'ssh://user@box:2222',
  'ssh://user@[2001:db8::1]:22/',
  'bücher.example',
])('%s is a destination', (host) => {
  expect(isDestination(host)).toBe(true);
});

test('what is taken begins with no dash and holds nothing that a shell acts on', () => {
  const text = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 40 }),
    fc.stringMatching(/^[-a-z@:/.%\\[\]$`;&|(){}<>'" \n]{0,30}$/),
    fc
      .tuple(fc.stringMatching(/^.{0,8}$/), fc.stringMatching(/^.{0,8}$/))
      .map(([user, host]) => `${user}@${host}`),
  );
  fc.assert(
    fc.property(text, (host) => {
      if (!isDestination(host)) return;
      expect(host).not.toMatch(/^-|@-|\/\/-|[\s'"`;&<>|(){}$*?!#~^=\0]/u);
    }),
    { numRuns: 3000 },
  );
});

test('several, by commas and by flags, each once', () => {
  expect(readHosts('a,b\nc@d , a')).toEqual(['a', 'b', 'c@d']);
  expect(() => readHosts(Array.from({ length: 300 }, (_, n) => `h${n}`).join())).toThrow(/more than 256/);
});

test('questions are left to a person at a terminal', () => {
  for (const interactive of [true, false]) {
    const words = sshArguments('box', interactive);
    expect(words).toContain(`BatchMode=${interactive ? 'no' : 'yes'}`);
    expect(words.slice(words.indexOf('--'))).toEqual(['--', 'box', 'exec sh']);
  }
});
