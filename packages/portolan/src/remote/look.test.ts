// What would show more of a host that was asked.
import { expect, test } from 'vitest';
import { remedyThere } from './look.ts';

const again = (host: string): string => `portolan --host ${host}`;

test.each([
  ['another login', 'box', false, 'portolan --host root@box who 80'],
  ['another login in an address', 'ssh://ann@box:22', false, 'portolan --host ssh://root@box:22 who 80'],
  ['root by name', 'root@box', false, null],
  ['root by what the host said', 'box', true, null],
])('owners that are hidden from %s', (_name, host, isRoot, remedy) => {
  expect(remedyThere({ code: 'owners-hidden' }, host, [80, 80], isRoot, again)).toBe(remedy);
});

test('what no login shows is shown by a newer ss', () => {
  expect(remedyThere({ code: 'bound-invisible' }, 'box', null, true, again)).toBe(
    'ssh box ss -tan --bound-inactive',
  );
});
