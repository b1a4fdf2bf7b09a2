// `portolan read` and --snapshot on what netsh prints about ports, byte by byte as it comes: UTF-8, UTF-16 with a mark, CRLF,
// and code pages that are read as UTF-8.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { checked, expectTold, portolan } from './program.ts';

const folder = mkdtempSync(join(tmpdir(), 'portolan-netsh-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let count = 0;

function file(bytes: string | Uint8Array): string {
  const path = join(folder, `${count++}.txt`);
  writeFileSync(path, bytes);
  return path;
}

interface List {
  readonly holders: readonly {
    kind: string;
    transport: string;
    local: { address: string; port: number };
    excluded?: number[];
  }[];
  readonly gaps: readonly { what: string }[];
  readonly formats: readonly string[];
  readonly unknown: readonly unknown[];
  readonly ranges: readonly {
    list: string;
    transport: string | null;
    family: string | null;
    ranges: { ports: number[]; administered: boolean }[];
  }[];
}

async function read(bytes: string | Uint8Array): Promise<List> {
  const { out } = await portolan(['read', file(bytes), '--json']);
  return checked<List>(out);
}

const table = (title: string, heads: string, legend: string): string =>
  [
    '',
    title,
    '',
    heads,
    '----------    --------      ',
    '      5357        5357      ',
    '     50000       50059     *',
    '',
    legend,
    '',
    '',
  ].join('\r\n');
const range = (title: string, first: string, many: string): string =>
  ['', title, '---------------------------------', first, many, '', ''].join('\r\n');

const ENGLISH = table(
  'Protocol tcp Port Exclusion Ranges',
  'Start Port    End Port      ',
  '* - Administered port exclusions.',
);
const TEXTS: Readonly<Record<string, string>> = {
  English:
    ENGLISH + range('Protocol tcp Dynamic Port Range', 'Start Port      : 49152', 'Number of Ports : 16384'),
  German:
    table(
      'Portausschlussbereiche für Protokoll "tcp"',
      'Startport     Endport',
      '* - Verwaltete Portausschlüsse.',
    ) +
    range(
      'Dynamischer Portbereich für Protokoll "tcp"',
      'Startport       : 49152',
      'Anzahl von Ports: 16384',
    ),
  Japanese:
    table('プロトコル tcp ポート除外範囲', '開始ポート    終了ポート', '* - 管理されたポート除外。') +
    range('プロトコル tcp の動的ポートの範囲', '開始ポート      ： 49152', 'ポート数        ： 16384'),
  Arabic:
    table(
      '\u200fنطاقات استبعاد منافذ البروتوكول tcp',
      'منفذ البدء    منفذ النهاية',
      '\u202b* - استبعادات المنافذ المدارة.\u202c',
    ) +
    range('نطاق المنافذ الديناميكي للبروتوكول tcp', '\u200fمنفذ البدء : 49152', '\u200f16384 : عدد المنافذ'),
};

describe('read', () => {
  test.each(Object.entries(TEXTS))('%s, in every encoding', async (_, text) => {
    const little = Buffer.from(`\ufeff${text}`, 'utf16le');
    for (const bytes of [
      Buffer.from(text),
      Buffer.from(`\ufeff${text}`),
      little,
      Buffer.from(little).swap16(),
    ]) {
      const list = await read(bytes);
      expect(list.formats).toEqual(['netsh']);
      expect(list.unknown).toEqual([]);
      expect(list.holders).toMatchObject([
        { kind: 'excluded', transport: 'tcp', local: { address: '*', port: 5357 }, excluded: [5357, 5357] },
      ]);
      expect(list.ranges).toMatchObject([
        {
          list: 'excluded', transport: 'tcp', family: null,
          ranges: [{ ports: [5357, 5357], administered: false }, { ports: [50_000, 50_059], administered: true }],
        },
        { list: 'dynamic', transport: 'tcp', family: null, ranges: [{ ports: [49_152, 65_535] }] },
      ]); // biome-ignore format: one list reads better
    }
  });

  test('code pages of consoles, whose letters are lost and whose numbers are not', async () => {
    // Portausschlussbereiche für Protokoll "tcp" in CP 850; プロトコル tcp in CP 932.
    const german = Buffer.from(TEXTS['German'] ?? '', 'latin1').map((byte) => (byte === 0xfc ? 0x81 : byte));
    const japanese = Buffer.concat([
      Buffer.from([0x0d, 0x0a, 0x83, 0x76, 0x83, 0x8d, 0x83, 0x67, 0x83, 0x52, 0x83, 0x8b, 0x20, 0x74, 0x63, 0x70, 0x20, 0x83, 0x7c]),
      Buffer.from('\r\n\r\n'),
      Buffer.from([0x8a, 0x4a, 0x8e, 0x6e, 0x20, 0x20, 0x8f, 0x49, 0x97, 0xb9]),
      Buffer.from('\r\n----------    --------      \r\n      5357        5357      \r\n\r\n'),
    ]); // biome-ignore format: bytes read better in one line
    for (const bytes of [german, japanese]) {
      const list = await read(bytes);
      expect(list.unknown).toEqual([]);
      expect(list.holders).toMatchObject([{ transport: 'tcp', local: { port: 5357 } }]);
    }
  });

  test('as text: what nobody can have, and what an administrator keeps', async () => {
    const { code, out } = await portolan([
      'read',
      file(`C:\\> netsh interface ipv4 show excludedportrange protocol=tcp\r\n${TEXTS['English']}`),
    ]);
    expect(code).toBe(0);
    expect(out).toMatch(/5357\/tcp {2}excluded {2}0\.0\.0\.0 {2}probably Hyper-V or WinNAT/);
    expect(out).toMatch(/TCP\/IPv4 kept back, nobody can have them: 5357\n/);
    expect(out).toMatch(/kept back by an administrator[^:]*: 50000–50059/);
    expect(out).toMatch(/TCP\/\? handed out by itself: 49152–65535/);
    expect(out).toMatch(/netsh did not list them for\s+TCP\/IPv6, UDP\/IPv4, UDP\/IPv6/);
    expect(out).toMatch(/all sockets: netsh lists ranges of ports/);
  });

  test('a list with such holders that was saved is the list', async () => {
    const first = await portolan(['read', file(ENGLISH), '--json']);
    const again = await read(first.out);
    expect(again.formats).toEqual(['portolan-json']);
    expect(again.holders).toEqual(checked<List>(first.out).holders);
    expect(again.unknown).toEqual([]);
  });
});

describe('--snapshot', () => {
  const both = file((TEXTS['English'] ?? '').replaceAll('\r', ''));
  test('PORT: held, reserved, and the range of the host', async () => {
    const report = async (port: string): Promise<unknown> =>
      checked((await portolan([port, '--snapshot', both, '--json'])).out);
    expect(await report('5357')).toMatchObject({
      host: { platform: 'win32', ephemeral: [49_152, 65_535], isReserved: true },
      use: { verdict: 'held', holders: [{ kind: 'excluded', transport: 'tcp' }] },
    });
    // Sockets were not printed: nothing is free.
    expect(await report('50001')).toMatchObject({
      host: { isReserved: true, inEphemeral: true },
      use: { verdict: 'unknown', holders: [] },
    });
    expect(await report('60163')).toMatchObject({ host: { isReserved: false, inEphemeral: true } });
  });
  test('why: kept back, without saying that a bind on purpose is allowed', async () => {
    const { code, out } = await portolan(['why', '5357', '--snapshot', both]);
    expect(code).toBe(1);
    expect(out).toMatch(/^5357\/tcp cannot be bound here: Windows keeps it back\./);
    expect(out).not.toMatch(/on purpose is allowed|WORTH KNOWING/);
    const administered = await portolan(['why', '50001', '--snapshot', both, '--json']);
    expect([administered.code, checked<{ bindable: null }>(administered.out).bindable]).toEqual([3, null]);
  });
  test('who and list', async () => {
    expect((await portolan(['who', '5357', '--snapshot', both])).code).toBe(0);
    expect((await portolan(['who', '50001', '--snapshot', both])).code).toBe(3);
    const list = checked<List>((await portolan(['list', '--snapshot', both, '--json'])).out);
    expect(list.holders.map(({ local }) => local.port)).toEqual([5357]);
  });
  test('audit reckons with the range and with what is kept back', async () => {
    const compose = join(folder, 'compose.yaml');
    writeFileSync(compose, 'services:\n  a:\n    image: x\n    ports: ["50001:80", "50100:80"]\n');
    const audit = checked<{ findings: { id: string; port: number }[] }>(
      (await portolan(['audit', compose, '--snapshot', both, '--config-root', folder, '--json'])).out,
    );
    const overlaps = audit.findings.filter(({ id }) => id === 'ephemeral-overlap').map(({ port }) => port);
    expect(overlaps).toEqual([50_100]);
  });
  test('joined with netstat in one file', async () => {
    const joined = file(`  TCP    0.0.0.0:135    0.0.0.0:0    LISTENING    1052\r\n${TEXTS['German']}`);
    const list = checked<List>((await portolan(['read', joined, '--json'])).out);
    expect(list.formats).toEqual(['netstat-windows', 'netsh']);
    expect(list.holders.map(({ kind, local }) => `${kind} ${local.port}`)).toEqual([
      'listener 135',
      'excluded 5357',
    ]);
  });
  test('pick needs this host, and says so', async () => {
    expectTold(await portolan(['pick', '--snapshot', both]), 2, /free on this host, and now/);
  });
});
