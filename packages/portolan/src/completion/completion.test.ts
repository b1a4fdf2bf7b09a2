// What completions are made from: every usage line and flag is understood, and what stands at the cursor is told.
import { createRequire } from 'node:module';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Language, Parser } from 'web-tree-sitter';
import { bashScript } from './bash.ts';
import { fishScript } from './fish.ts';
import { soughtIn } from './position.ts';
import { powershellScript } from './powershell.ts';
import { firstFlags, loadTable } from './table.ts';
import { flagTakes, operandsOf } from './takes.ts';
import { zshScript } from './zsh.ts';

const table = await loadTable();
const specs = [table.port, ...table.commands];

test('every usage line is understood', () => {
  const takes = Object.fromEntries(specs.map((spec) => [spec.name, operandsOf(spec)]));
  expect(Object.entries(takes).filter(([, { takes: kind }]) => kind === 'text')).toEqual([]);
  expect(takes['report']).toEqual({ takes: 'ports', several: false, command: false });
  expect(takes['kill']?.takes).toBe('served');
  expect(takes['audit']).toEqual({ takes: 'files', several: true, command: false });
  expect(takes['run']).toEqual({ takes: 'leases', several: true, command: true });
  expect(takes['facts']?.takes).toEqual(['sources', 'update', 'reset']);
  expect(takes['completion']?.takes).toEqual(['bash', 'zsh', 'fish', 'powershell']);
  expect(takes['list']?.takes).toBeNull();
});

test('a flag that takes a port, a file or one of a few words is completed as such', () => {
  const of = (command: string, name: string) => {
    const flag = specs.find((spec) => spec.name === command)?.flags.find((one) => one.name === name);
    return flag === undefined ? null : flagTakes(flag);
  };
  expect(of('list', 'port')).toBe('ports');
  expect(of('audit', 'baseline')).toBe('files');
  expect(of('audit', 'config-root')).toBe('folders');
  expect(of('why', 'family')).toEqual(['4', '6']);
});

test('what stands at the cursor is told, wherever flags stand', async () => {
  const sought = (...words: string[]) =>
    soughtIn(
      words,
      firstFlags(table),
      async (name) => table.commands.find((spec) => spec.name === name) ?? null,
    );
  expect(await sought('')).toEqual({ takes: 'ports', word: '' });
  expect(await sought('--json', 'who', '--lang', 'cs', '30')).toEqual({ takes: 'ports', word: '30' });
  expect(await sought('kill', '30')).toEqual({ takes: 'served', word: '30' });
  expect(await sought('who', '3000', '')).toBeNull();
  expect(await sought('list', '--port=30')).toEqual({ takes: 'ports', word: '30' });
  expect(await sought('list', '--port', '30')).toEqual({ takes: 'ports', word: '30' });
  expect(await sought('pick', '--near', '51')).toEqual({ takes: 'ports', word: '51' });
  expect(await sought('run', 'web', '')).toEqual({ takes: 'leases', word: '' });
  expect(await sought('run', 'web', '--', '30')).toBeNull();
  expect(await sought('who', '--js')).toBeNull();
  await fc.assert(
    fc.asyncProperty(fc.array(fc.string(), { maxLength: 8 }), async (words) => void (await sought(...words))),
  );
});

test.each([
  ['bash', bashScript],
  ['zsh', zshScript],
  ['fish', fishScript],
  ['powershell', powershellScript],
] as const)('the script for %s has every command and every flag', (shell, make) => {
  const script = make(table);
  for (const spec of table.commands) {
    expect(script).toContain(spec.name);
    for (const { name } of [...spec.flags, ...table.shared]) {
      expect(script, `${spec.name} --${name}`).toContain(shell === 'fish' ? `-l ${name}` : `--${name}`);
    }
  }
});

test('PowerShell’s grammar has nothing against the script', async () => {
  await Parser.init();
  const parser = new Parser();
  const grammar = createRequire(import.meta.url).resolve(
    'tree-sitter-powershell/tree-sitter-powershell.wasm',
  );
  parser.setLanguage(await Language.load(grammar));
  const wrongIn = (script: string): boolean => parser.parse(script)?.rootNode.hasError ?? true;
  expect(wrongIn('if ($a { }')).toBe(true);
  expect(wrongIn(powershellScript(table))).toBe(false);
});
