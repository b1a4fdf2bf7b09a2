// Texts that are made to keep a parser busy: each is read in a time that grows with its length and no faster.
import { expect, test } from 'vitest';
import { portsOfCommand } from './command-line.ts';
import { readCompose } from './compose.ts';
import { readPublished } from './compose-ports.ts';
import { readDevcontainer } from './devcontainer.ts';
import { readEnv } from './env.ts';
import { fill } from './interpolate.ts';
import { readPackageJson } from './package-json.ts';
import { kindByContent } from './recognise.ts';
import { readUnit } from './systemd.ts';
import { TextFile } from './text-file.ts';

const LONG = 30_000;
const file = (text: string): TextFile => new TextFile('f', text, null);

test.each<[string, () => unknown]>([
  ['a flag of many parts', () => portsOfCommand(`x --${'a.'.repeat(LONG)}! 1`)],
  ['a flag of one letter', () => portsOfCommand(`x --${'db'.repeat(LONG)}! 1`)],
  ['many flags', () => portsOfCommand('x -p '.repeat(LONG))],
  ['colons', () => readPublished(`${':'.repeat(LONG)}x`)],
  [
    'colons in a compose file',
    () =>
      readCompose(file(`services: {a: {ports: ["${':'.repeat(LONG)}"]}}`), {
        settings: new Map(),
        other: () => null,
      }),
  ],
  ['dollars', () => fill('${a:-'.repeat(LONG), new Map())],
  ['braces', () => fill(`${'${a:-'.repeat(5000)}x${'}'.repeat(5000)}`, new Map())],
  ['blank lines', () => kindByContent('\n'.repeat(200_000))],
  ['blanks', () => kindByContent(`${' '.repeat(200_000)}x`)],
  ['letters', () => kindByContent('a'.repeat(200_000))],
  ['quotes that never close', () => readEnv(file('A=`x\nB="y\nC=\'z\n'.repeat(20_000)))],
  ['slashes', () => readEnv(file(`A=${'a://'.repeat(200_000)}`))],
  ['at signs', () => readEnv(file(`A=a://${'@'.repeat(900_000)}`))],
  [
    'a unit of one line',
    () =>
      readUnit({
        name: 'a.service',
        files: [file(`[Service]\nExecStart=${'a \\\n'.repeat(100_000)}`)],
        enabled: null,
      }),
  ],
  [
    'environment',
    () =>
      readUnit({
        name: 'a.service',
        files: [file(`[Service]\nEnvironment=${'"A='.repeat(100_000)}`)],
        enabled: null,
      }),
  ],
  ['brackets', () => readDevcontainer(file('['.repeat(200_000)))],
  ['braces of JSON', () => readPackageJson(file('{"a":'.repeat(100_000)))],
  [
    'a long list',
    () =>
      readCompose(file(`services: {a: {ports: [${'"1:1",'.repeat(20_000)}]}}`), {
        settings: new Map(),
        other: () => null,
      }),
  ],
])('%s', (_what, read) => {
  // One that grows faster does not come to its end here.
  expect(read).not.toThrow();
});
