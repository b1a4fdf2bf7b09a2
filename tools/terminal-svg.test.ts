// The picture and the recording in docs/: the renderer keeps columns and colours, and what lies there is what it makes.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { SaxesParser } from 'saxes';
import { expect, test } from 'vitest';
import { terminalSvg } from './terminal-svg.mjs';

const docs = (name: string): string =>
  readFileSync(fileURLToPath(new URL(`../docs/${name}`, import.meta.url)), 'utf8');

/** The text of each line of a picture, at its columns; throws where it is no XML. */
function linesOf(svg: string): string[] {
  const lines: string[] = [];
  const parser = new SaxesParser();
  let column: number | null = null;
  parser.on('error', (error) => {
    throw error;
  });
  parser.on('opentag', ({ name, attributes }) => {
    if (name === 'text') lines.push('');
    if (name === 'tspan') column = Math.round((Number(attributes['x']) - 16) / 8.4);
  });
  parser.on('text', (text) => {
    if (column !== null) lines.push(`${(lines.pop() ?? '').padEnd(column)}${text}`);
  });
  parser.on('closetag', ({ name }) => {
    if (name === 'tspan') column = null;
  });
  parser.write(svg).close();
  return lines;
}

test('text stands at its columns, whatever it is', () => {
  const svg = terminalSvg('\u001b[1mA <&> B\u001b[0m   x\n    \u001b[31m"red"\u001b[0m\n', 20, 'a & b');
  expect(linesOf(svg)).toEqual(['A <&> B   x', '    "red"']);
  expect(svg).toContain('font-weight="bold"');
  expect(svg).toContain('fill="#ff7b72"');
});

test('a control sequence that is not known is refused', () => {
  expect(() => terminalSvg('\u001b[7mx', 10, '')).toThrow(/not known/);
  expect(() => terminalSvg('\u001b[2Jx', 10, '')).toThrow(/control/);
});

test('the picture in docs is of a port that a connection has', () => {
  const lines = linesOf(docs('portolan-60163.svg'));
  expect(lines[0]).toBe('$ portolan 60163');
  expect(lines[1]).toMatch(/^60163 is held by a connection of node \(pid \d+\); nothing listens on it\.$/);
  for (const line of lines) expect([...line].length).toBeLessThanOrEqual(80);
});

test('the recording is asciicast v2', () => {
  const [head = '', ...events] = docs('why-3000.cast').trimEnd().split('\n');
  expect(JSON.parse(head)).toMatchObject({ version: 2, width: 80, height: expect.any(Number) as number });
  let before = 0;
  let shown = '';
  for (const line of events) {
    const [at, kind, data] = JSON.parse(line) as [number, string, string];
    expect(at).toBeGreaterThanOrEqual(before);
    expect(kind).toBe('o');
    before = at;
    shown += data;
  }
  expect(shown).toContain('portolan why 3000\r\n');
  expect(shown).toContain('3000/tcp cannot be bound here');
});
