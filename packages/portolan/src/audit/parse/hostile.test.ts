// Texts that are made to keep a parser busy: each is read in a time that grows with its length and no faster.
import { expect, test } from 'vitest';
import { portsOfCommand } from './command-line.ts';
import { readCompose } from './compose.ts';
import { readPublished } from './compose-ports.ts';
import { readDevcontainer } from './devcontainer.ts';
import { readEnv } from './env.ts';
import { fill } from './interpolate.ts';
import { readKubernetes } from './kubernetes.ts';
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
  [
    'services that share a list by aliases',
    () => {
      const ports = Array.from({ length: 3000 }, (_, i) => `"${1024 + i}:80"`).join();
      const services = Array.from({ length: 3000 }, (_, i) => `  s${i}: *s\n`).join('');
      const text = `x: &s {image: a, ports: [${ports}]}\nservices:\n${services}`;
      const { fixed, faults } = readCompose(file(text), { settings: new Map(), other: () => null });
      expect(fixed).toHaveLength(20_000);
      expect(faults.map(({ kind }) => kind)).toContain('bomb');
    },
  ],
  [
    'objects that share a list by aliases',
    () => {
      const ports = Array.from({ length: 3000 }, (_, i) => `{port: 1, nodePort: ${i + 1}}`).join();
      const text = `apiVersion: v1\nkind: List\nx: &s {kind: Service, spec: {ports: [${ports}]}}\nitems:\n${'  - *s\n'.repeat(3000)}`;
      const { fixed, faults } = readKubernetes(file(text));
      expect(fixed.length).toBeLessThan(60_000);
      expect(faults.map(({ kind }) => kind)).toContain('bomb');
    },
  ],
  [
    'a list that is longer than a call may have arguments',
    () =>
      readCompose(file(`services:\n  a:\n    ports:\n${'      - 1:1\n'.repeat(200_000)}`), {
        settings: new Map(),
        other: () => null,
      }),
  ],
  [
    'a list of which nothing can be read',
    () => {
      const items = Array.from({ length: 50_000 }, (_, i) => `      - x${i}\n`).join('');
      const text = `services:\n  a:\n    ports:\n${items}`;
      expect(readCompose(file(text), { settings: new Map(), other: () => null }).faults).toHaveLength(20_000);
    },
  ],
  [
    'services that extend those of another file',
    () => {
      let read = 0;
      const base = `services:\n${Array.from({ length: 2000 }, (_, i) => `  b${i}: {ports: ["1:1"]}\n`).join('')}`;
      const text = `services:\n${Array.from({ length: 2000 }, (_, i) => `  s${i}: {extends: {file: b.yaml, service: b${i}}}\n`).join('')}`;
      const other = (): TextFile => {
        read++;
        return new TextFile('b.yaml', base, null);
      };
      expect(readCompose(file(text), { settings: new Map(), other }).fixed).toHaveLength(2000);
      expect(read).toBe(1);
    },
  ],
])('%s', (_what, read) => {
  // One that grows faster does not come to its end here.
  expect(read).not.toThrow();
});
