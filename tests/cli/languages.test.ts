// The built program in another language: every command says its answer in it, lines fit, JSON keeps its shape.
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { openMachine } from '../../fixtures/archive.ts';
import { checked, expectTold, PACKAGE, portolan } from './program.ts';

const machine = openMachine('busy-server');
const folder = mkdtempSync(join(tmpdir(), 'portolan-languages-'));
afterAll(() => {
  machine.remove();
  rmSync(folder, { recursive: true, force: true });
});
const compose = join(folder, 'compose.yaml');
writeFileSync(compose, 'services:\n  web:\n    image: x\n    ports: ["54321:80"]\n');

/** Paths, addresses and commands are never broken, so that lines with them may be longer. */
const UNBROKEN = /https?:\/\/|\/[^ ]{30,}|^ {2,}(sudo|portolan|ss|systemctl) /;
const recorded = ['--procfs-root', machine.root];

describe('Czech', () => {
  test.each<[readonly string[], RegExp]>([
    [['60163', ...recorded], /^60163 .*\nIANA ho nikdy nepřiděluje; .*\n\n.*▼ 60163\n/],
    [['443', ...recorded], /\nNA TOMTO STROJI\n/],
    [['3000-3010', ...recorded], /^11 portů, 3000–3010: /],
    [['list', ...recorded], /^\d+ (soket|sokety|soketů) tu drží port\./],
    [['who', '443', ...recorded], /^Žádný držitel 443 nebyl vidět, [^]*\nstřední {2}Neviděno: /],
    [['audit', compose, ...recorded], /^\d+ (nález|nálezy|nálezů), z toho závažných: \d+/],
    [['ephemeral', ...recorded], /\nROZSAH\n/],
    [['why', '59999'], /59999 .*obsadit/],
    [['kill', '59998', '--dry-run'], /59998/],
    [['pick', '--near', '9000'], /\nPROČ\n/],
    [['reserve', '9'], /^Z automatického výběru by se vynechalo: port 9;/],
    [['facts'], /^Údajů o portech: /],
    [['search', 'xsan'], /^O „xsan“ se zmiňují? \d+ údaj/],
    [['leases'], /zápůjč/],
  ])('%j', async (args, expected) => {
    const { out, err, code } = await portolan([...args, '--lang', 'cs'], { env: { COLUMNS: '80' } });
    expect(err).toBe('');
    expect([0, 1, 3]).toContain(code);
    expect(out).toMatch(expected);
    // Of tables that are written into a pipe no cell is cut: only prose has to fit.
    if (/^(\d|why|audit|ephemeral|kill)/.test(args[0] ?? '') && !args[0]?.includes('-')) {
      for (const line of out.split('\n')) {
        if (!UNBROKEN.test(line)) expect([...line].length, line).toBeLessThanOrEqual(80);
      }
    }
  });
  test('the JSON has the same shape and data, its sentences in the language', async () => {
    const read = async (lang: string) =>
      checked<{ port: number; claims: unknown; risks: { text: string }[] }>(
        (await portolan(['60163', '--json', '--lang', lang, ...recorded])).out,
      );
    const [english, czech] = [await read('en'), await read('cs')];
    expect(czech.port).toBe(english.port);
    expect(czech.claims).toEqual(english.claims);
    expect(czech.risks).toHaveLength(english.risks.length);
    expect(JSON.stringify(czech.risks)).toMatch(/Službě na 60163/);
    expect(JSON.stringify(english.risks)).toMatch(/A service on 60163/);
  });
  test('in ASCII where the locale has no more', async () => {
    const { out } = await portolan(['60163', '--lang', 'cs', ...recorded], {
      env: { LANG: 'C', LC_ALL: 'C' },
    });
    expect(out).toMatch(/CO SE O NEM UVADI/);
  });
});

test.each([
  ['60163'],
  ['list'],
  ['who', '80'],
  ['why', '80'],
  ['audit'],
  ['pick'],
  ['reserve', '9'],
  ['facts'],
  ['ephemeral'],
])('%s: a language that the program does not have is refused with those it has', async (...args) => {
  // German and Arabic are languages of the pages.
  for (const tag of ['xx', 'de', 'ar', 'CS']) {
    expectTold(await portolan([...args, '--lang', tag]), 2, /no language “\w+” here\. Languages: en, cs\. $/);
  }
});

test('no language but English is in the file that every start reads', () => {
  const dist = join(PACKAGE, 'dist');
  const program = readFileSync(join(dist, 'program.cjs'), 'utf8');
  expect(program).toContain('IANA never assigns it');
  // It holds ASCII alone, other letters as escapes.
  expect(program).not.toContain(String.raw`v\u00fdb\u011bru`);
  const chunks = readdirSync(join(dist, 'chunks')).filter((name) => name.endsWith('.cjs'));
  const holding = chunks.filter((name) => {
    return readFileSync(join(dist, 'chunks', name), 'utf8').includes(
      'Z automatického výběru by se vynechalo',
    );
  });
  // Once for the program and once for the second thread of an export, and not once more for every name in it.
  expect(holding).toHaveLength(2);
  for (const name of holding) expect(statSync(join(dist, 'chunks', name)).size).toBeLessThan(250_000);
});
