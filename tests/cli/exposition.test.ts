// Prometheus's text format: what is written is read back by a strict reader of its own, whatever the labels hold.

import { type MetricFamily, renderExposition, say, translator } from '@portolan/core';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { readExposition } from './exposition.ts';

const lang = translator('en');
const number = fc.oneof(
  fc.double(),
  fc.integer(),
  fc.constantFrom(0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
);

test('any label and any number is read back as it was', () => {
  const sample = fc.record({
    labels: fc.dictionary(fc.stringMatching(/^[a-z][a-z_]{0,8}$/), fc.string({ unit: 'grapheme' })),
    value: number,
  });
  fc.assert(
    fc.property(
      fc.uniqueArray(sample, {
        selector: ({ labels }) =>
          JSON.stringify(Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1))),
      }),
      (samples) => {
        const family: MetricFamily = {
          name: 'a_total',
          kind: 'counter',
          help: say('metrics.events'),
          samples,
        };
        const [read] = readExposition(renderExposition([family], lang));
        expect(read).toMatchObject({ name: 'a_total', kind: 'counter' });
        expect(read?.samples).toEqual(
          samples.map(({ labels, value }) => ({ labels: { ...labels }, value: value === 0 ? 0 : value })),
        );
      },
    ),
  );
});

test('the reader refuses what is none', () => {
  const head = '# HELP a b\n# TYPE a gauge\n';
  for (const text of [
    'a 1\n',
    `${head}a 1`,
    `${head}a{b=c} 1\n`,
    `${head}a 1\na 1\n`,
    `${head}c 1\n`,
    `${head}a x\n`,
    `${head}${head}`,
    '# TYPE a gauge\n# HELP a b\n',
    `${head}a{b="c"d="e"} 1\n`,
    `${head}a{b="\\q"} 1\n`,
  ])
    expect(() => readExposition(text), text).toThrow();
  expect(readExposition(`${head}a{b="c"} 1\n`)).toHaveLength(1);
});
