// The view as an address and back.
import { expect, test } from 'vitest';
import { placeText, portOf, readPlace } from './place.ts';

test.each([
  [{ port: 8080, zoom: 1, middle: null }, 'port=8080'],
  [{ port: 8080, zoom: 24.126, middle: 5171 }, 'port=8080&zoom=24.13&at=5171'],
  [{ port: 0, zoom: 2, middle: 0 }, 'port=0&zoom=2&at=0'],
])('%j is %s', (place, text) => {
  expect(placeText(place)).toBe(text);
  expect(readPlace(`#${text}`)).toEqual({ ...place, zoom: Math.round(place.zoom * 100) / 100 });
});

test.each(['', '#', '#main', '#port=', '#port=65536', '#port=8e3', '#port=-1', '#zoom=3&at=5'])(
  '%s is none',
  (text) => {
    expect(readPlace(text)).toBeNull();
  },
);

test.each([
  '#port=80&zoom=Infinity&at=5',
  '#port=80&zoom=x&at=5',
  '#port=80&zoom=9',
  '#port=80&zoom=0.1&at=7',
])('%s shows the whole chart', (text) => {
  expect(readPlace(text)).toEqual({ port: 80, zoom: 1, middle: null });
});

test('a port in digits', () => {
  expect([portOf('0'), portOf('65535'), portOf('65536'), portOf('x'), portOf(''), portOf(null)]).toEqual([
    0,
    65_535,
    null,
    null,
    null,
    null,
  ]);
});
