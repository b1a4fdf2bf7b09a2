import { expect, test } from 'vitest';
import { Bucket } from './bucket.ts';
import { CODE_MS, Keys } from './keys.ts';

test('a code is good once, for a minute, until the next', () => {
  let now = 0;
  const keys = new Keys(() => now);
  expect(keys.exchange('')).toBe(null);
  const code = keys.newCode();
  expect(keys.exchange(`${code.slice(0, -1)}_`)).toBe(null);
  now = CODE_MS;
  const token = keys.exchange(code);
  expect(token).toMatch(/^[\w-]{43}$/);
  expect(keys.exchange(code)).toBe(null);
  const late = keys.newCode();
  now += CODE_MS + 1;
  expect(keys.exchange(late)).toBe(null);
  const first = keys.newCode();
  const second = keys.newCode();
  expect(keys.exchange(first)).toBe(null);
  expect(keys.exchange(second)).toBe(token);
});

test('only the token opens, as a bearer’s', () => {
  const keys = new Keys(() => 0);
  const code = keys.newCode();
  const token = keys.exchange(code) ?? '';
  expect(keys.opens(`Bearer ${token}`)).toBe(true);
  expect(keys.opens(`bearer ${token}`)).toBe(true);
  for (const other of [
    null,
    '',
    token,
    `Bearer ${code}`,
    `Bearer ${token}=`,
    `Basic ${token}`,
    `Bearer ${token} x`,
  ]) {
    expect(keys.opens(other)).toBe(false);
  }
  expect(new Keys(() => 0).opens(`Bearer ${token}`)).toBe(false);
});

test('a bucket gives what it holds, and fills up again', () => {
  const bucket = new Bucket({ burst: 3, perSecond: 2 }, 0);
  expect([0, 0, 0, 0].map((now) => bucket.take(now))).toEqual([true, true, true, false]);
  expect(bucket.take(499)).toBe(false);
  expect(bucket.take(500)).toBe(true);
  expect(bucket.take(999)).toBe(false);
  expect(Array.from({ length: 5 }, () => bucket.take(1e9))).toEqual([true, true, true, false, false]);
});
