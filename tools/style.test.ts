// The style sheet: every colour stands in the palette, by day and by night, and everything that is used is there.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import palette from '../packages/site/src/assets/style/palette.json' with { type: 'json' };
import { styleSheet } from './style.mjs';

const SITE = join(import.meta.dirname, '..', 'packages', 'site', 'src');
const FOLDER = join(SITE, 'assets', 'style');
const parts = new Map(
  readdirSync(FOLDER)
    .filter((name) => name.endsWith('.css'))
    .map((name) => [name, readFileSync(join(FOLDER, name), 'utf8')]),
);
const css = styleSheet();

test('every part is in it once, with its first line', () => {
  expect(parts.size).toBeGreaterThan(5);
  for (const [name, text] of parts) {
    expect(text, name).toMatch(/^\/\* .+ \*\/\n/);
    expect(css.split(text).length, name).toBe(2);
  }
});

test('the palette has a day and a night for every colour', () => {
  for (const [name, colour] of Object.entries(palette)) {
    // The picture of the chart is made of them, too, and knows this form alone.
    expect(colour, name).toEqual({
      day: expect.stringMatching(/^#[0-9a-f]{6}$/),
      night: expect.stringMatching(/^#[0-9a-f]{6}$/),
    });
    const values = [...css.matchAll(new RegExp(`--${name}: ([^;]+);`, 'g'))].map((match) => match[1]);
    // By day, by the system's night, and by the night that was chosen.
    expect(values, name).toEqual([colour.day, colour.night, colour.night]);
  }
});

test('no colour stands in a part itself', () => {
  for (const [name, text] of parts) {
    const values = text.replace(/\/\*[\s\S]*?\*\//g, '').match(/:[^;{}]*;/g) ?? [];
    const own = values.filter((value) => /#[0-9a-f]{3,8}\b|\b(?:rgb|hsl|oklch|color-mix)a?\(/i.test(value));
    expect(own, name).toEqual([]);
  }
});

test('what is used is defined, and what is defined is used', () => {
  const chart = readFileSync(join(SITE, 'islands', 'chart', 'palette.ts'), 'utf8');
  const used = new Set([
    ...[...css.matchAll(/var\(--([\w-]+)/g)].map((match) => match[1]),
    ...[...chart.matchAll(/'--([\w-]+)'/g)].map((match) => match[1]),
  ]);
  const defined = new Set([...css.matchAll(/--([\w-]+):/g)].map((match) => match[1]));
  expect([...used].filter((name) => !defined.has(name))).toEqual([]);
  expect([...defined].filter((name) => !used.has(name))).toEqual([]);
});
