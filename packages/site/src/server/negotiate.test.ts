import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { negotiate, preferredType } from './negotiate.ts';

const FORMS = ['text/plain', 'application/json', 'text/html'] as const;

test('a language by what the reader wants most and we have', () => {
  const tags = ['en', 'cs', 'de'];
  expect(negotiate(null, tags)).toBe('en');
  expect(negotiate('cs-CZ, en;q=0.8', tags)).toBe('cs');
  expect(negotiate('fr, de;q=0.5, cs;q=0.6', tags)).toBe('cs');
  expect(negotiate('cs;q=0, de;q=0.1', tags)).toBe('de');
  expect(negotiate('*', tags)).toBe('en');
  fc.assert(fc.property(fc.string(), (header) => tags.includes(negotiate(header, tags))));
});

test('a form by quality, then by how exactly it is named, then by place', () => {
  expect(preferredType(null, FORMS)).toBe('text/plain');
  expect(preferredType('*/*', FORMS)).toBe('text/plain');
  expect(preferredType('text/html,application/xhtml+xml,*/*;q=0.8', FORMS)).toBe('text/html');
  expect(preferredType('application/json, text/plain, */*', FORMS)).toBe('application/json');
  expect(preferredType('text/*, application/json', FORMS)).toBe('application/json');
  expect(preferredType('image/png', FORMS)).toBe(null);
  expect(preferredType('text/plain;q=0, */*', FORMS)).toBe('application/json');
  fc.assert(
    fc.property(fc.string(), (header) => {
      const type = preferredType(header, FORMS);
      expect(type === null || FORMS.includes(type)).toBe(true);
    }),
  );
});
