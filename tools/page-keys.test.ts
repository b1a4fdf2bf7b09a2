// What pages say is what every language of theirs has: the keys that stand in the code of their sentences.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import en from '../packages/core/src/text/messages/en.json' with { type: 'json' };
import { isPageKey } from '../packages/core/src/text/page-keys.ts';

const CORE = join(import.meta.dirname, '..', 'packages', 'core', 'src');

/** Where sentences of pages come from: their views, and the decisions that these show. */
const FILES =
  /^(view\/(report|list|search|audit|forecast|holder-words)|decide\/(audit|claims|disagreements|explain|forecast|risks|search|use|xsan)[a-z-]*|model\/query)\.ts$/;

/** Keys, and beginnings of keys that end at a `${`, which stand as texts in a file. */
function keysIn(source: string): string[] {
  const heads = new Set(Object.keys(en).map((key) => key.slice(0, key.indexOf('.'))));
  const texts = [...source.matchAll(/'([a-z]+\.[a-z0-9.-]+)'|`([a-z]+\.[a-z0-9.-]*)\$\{/g)];
  return texts
    .map(([, whole, start]) => whole ?? start ?? '')
    .filter((key) => heads.has(key.split('.')[0] ?? ''));
}

const files = readdirSync(CORE, { recursive: true, encoding: 'utf8' }).filter(
  (name) => FILES.test(name) && !name.endsWith('.test.ts'),
);

test('there is what is looked through', () => {
  expect(files.length).toBeGreaterThan(15);
  expect(keysIn("say('kill.interrupted'); say(`authority.${x}`); open('a.b')")).toEqual([
    'kill.interrupted',
    'authority.',
  ]);
});

test.each(files)('%s', (file) => {
  const keys = keysIn(readFileSync(join(CORE, file), 'utf8'));
  expect(keys.filter((key) => !isPageKey(key))).toEqual([]);
});
