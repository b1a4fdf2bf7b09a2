// Addresses made from the one that the server wrote, on a server and as files.
import { expect, test } from 'vitest';
import { fileLinks, serverLinks } from '../links.ts';
import { beside, portAddress } from './addresses.ts';

test.each([
  ['a server', serverLinks('cs', null)],
  ['files, from the first page', fileLinks('en', '/', null)],
  ['files, from a page below', fileLinks('en', '/ports/22', null)],
])('the same as by %s', (_name, links) => {
  const places = { page: links.page('/ports/80'), thousand: links.page('/thousands/0') };
  expect(portAddress(places, 8080, true)).toBe(links.page('/ports/8080'));
  expect(portAddress(places, 60_163, false)).toBe(links.page('/thousands/60'));
  expect(portAddress({ ...places, thousand: null }, 60_163, false)).toBe(links.page('/ports/60163'));
  expect(beside(links.page('/services/http'), 'postgresql')).toBe(links.page('/services/postgresql'));
  expect(beside(places.page, '53/udp')).toBe(links.page('/ports/53/udp'));
});
