// What real tools printed of the sockets that fixtures/record-printed.py makes: each is understood to the last line.
import { describe, expect, test } from 'vitest';
import { printedTexts } from '../../../../../fixtures/printed.ts';
import { DOCUMENTS } from './documents.ts';
import { type PrintedOptions, type PrintedReading, readPrinted as readLines } from './index.ts';

/** Lines and documents. */
function readPrinted(text: string, options: PrintedOptions = {}): PrintedReading {
  return readLines(text, { documents: DOCUMENTS, ...options });
}

const TEXTS = printedTexts('printed');

/** The sockets as they were made: transport, local, peer, state. */
const MADE = [
  'udp 0.0.0.0 53 - UNCONN',
  'udp 0.0.0.0 546 - UNCONN',
  'udp 127.0.0.1 40000 127.0.0.1 53 ESTABLISHED',
  'udp :: 5353 - UNCONN',
  'tcp 0.0.0.0 22 - LISTEN',
  'tcp 127.0.0.1 8080 - LISTEN',
  'tcp 127.0.0.1 8080 127.0.0.1 45678 ESTABLISHED',
  'tcp 127.0.0.1 45678 127.0.0.1 8080 ESTABLISHED',
  'tcp 127.0.0.1 45680 127.0.0.1 8080 TIME_WAIT',
  'tcp 127.0.0.1 45681 127.0.0.1 8080 CLOSE_WAIT',
  'tcp 127.0.0.1 45682 127.0.0.1 443 ESTABLISHED',
  'tcp 127.0.0.1 8080 127.0.0.1 45681 FIN_WAIT2',
  'tcp fe80::1 9090 - LISTEN',
  'tcp ::1 5432 - LISTEN',
  'tcp :: 443 - LISTEN',
  'tcp ::ffff:127.0.0.1 443 ::ffff:127.0.0.1 45682 ESTABLISHED',
  'tcp ::1 45679 ::1 5432 ESTABLISHED',
  'tcp ::1 5432 ::1 45679 ESTABLISHED',
].toSorted();

type Reading = ReturnType<typeof readPrinted>;
function rows({ sockets }: Reading): string[] {
  return sockets
    .map(({ transport, local, peer, state }) =>
      [
        transport,
        local.address,
        local.port,
        peer === null ? '-' : `${peer.address} ${peer.port}`,
        state,
      ].join(' '),
    )
    .toSorted();
}
function read(name: string): Reading {
  const text = TEXTS.get(name);
  if (text === undefined) throw new Error(`${name} is not in the archive`);
  return readPrinted(text);
}
function codes({ gaps }: Reading): string[] {
  return gaps.map(({ code }) => code);
}

const isTcp = (row: string): boolean => row.startsWith('tcp');
const isHeard = (row: string): boolean => / (?:LISTEN|UNCONN)$/.test(row);
const hasProcess = (row: string): boolean => !/ (?:TIME_WAIT|FIN_WAIT2)$/.test(row);

describe.each<[string, string, (row: string) => boolean]>([
  ['ss -tuanp', 'ss', () => true],
  ['ss -ltn', 'ss', (row) => isTcp(row) && isHeard(row)],
  ['ss -tulpen', 'ss', isHeard],
  ['ss -tanoim', 'ss', isTcp],
  ['ss -H -tuna', 'ss', () => true],
  ['ss -tua', 'ss', () => true],
  ['ss -anp', 'ss', () => true],
  ['ss -tn', 'ss', (row) => isTcp(row) && !isHeard(row) && !row.endsWith('TIME_WAIT')],
  ['ss -uan', 'ss', (row) => !isTcp(row)],
  ['ss -O -tanie', 'ss', isTcp],
  ['setpriv --reuid 65534 ss -tuanp', 'ss', () => true],
  ['netstat -tuanp', 'netstat', () => true],
  ['netstat -anp', 'netstat', () => true],
  ['netstat -tulpen', 'netstat', isHeard],
  ['netstat -tuanW', 'netstat', () => true],
  ['netstat -tua', 'netstat', () => true],
  ['netstat -tn', 'netstat', (row) => isTcp(row) && !isHeard(row)],
  ['netstat -tuaneo', 'netstat', () => true],
  ['env LC_ALL=de_DE.UTF-8 netstat -tuanp', 'netstat', () => true],
  ['env LC_ALL=fr_FR.UTF-8 netstat -tuanp', 'netstat', () => true],
  ['env LC_ALL=cs_CZ.UTF-8 netstat -tuane', 'netstat', () => true],
  ['env LC_ALL=ja_JP.UTF-8 netstat -anp', 'netstat', () => true],
  ['lsof -nP -i', 'lsof', hasProcess],
  ['lsof -i', 'lsof', hasProcess],
  ['lsof -nP -i -F', 'lsof-fields', hasProcess],
  ['lsof -nP -i -F0pcLfnPTtud', 'lsof-fields', hasProcess],
  ['lsof -nP -iTCP -sTCP:LISTEN', 'lsof', (row) => isTcp(row) && isHeard(row)],
  ['lsof -nPl -i -R +c0', 'lsof', hasProcess],
  ['busybox netstat -an', 'netstat', () => true],
  ['toybox netstat -tuanp', 'netstat', () => true],
])('%s', (name, format, shown) => {
  test('every socket that it shows, and no line left over', () => {
    const reading = read(name);
    expect(reading.format).toBe(format);
    // By name, an IPv6 socket's localhost is told as ::1, and a gap says that it need not be.
    const named = name === 'lsof -i';
    const told = MADE.filter(shown).map((row) => (named ? row.replaceAll('::ffff:127.0.0.1', '::1') : row));
    expect(rows(reading)).toEqual(told.toSorted());
    expect(codes(reading).includes('printed-names')).toBe(named);
    // -anp asks for families that this kernel lacks, and ss says so.
    const said = name === 'ss -anp' ? ['RTNETLINK answers: Invalid argument'] : [];
    expect(reading.unknown.map(({ text }) => text)).toEqual(said);
  });
});

test('owners: both of them, by pid, whatever one calls itself', () => {
  for (const name of ['ss -tuanp', 'lsof -nP -i', 'lsof -nP -i -F', 'lsof -nP -i -F0pcLfnPTtud']) {
    const { sockets } = read(name);
    for (const { state, owners } of sockets) {
      if (state === 'TIME_WAIT' || state === 'FIN_WAIT2') expect(owners).toEqual([]);
      else {
        expect(owners.map(({ pid }) => pid === 1 || (pid > 1 && pid !== 7))).toEqual([true, true]);
        expect(owners.map(({ name: called }) => called)).toContain('python3');
      }
    }
  }
  const [owner] = read('netstat -tuanp').sockets.flatMap(({ owners }) => owners);
  expect(owner).toMatchObject({ pid: 1, name: 'python3' });
});

test('what only some flags tell: inode, uid, dual stack, interface, time left', () => {
  const sockets = read('ss -tulpen').sockets;
  const https = sockets.find(({ local }) => local.port === 443);
  expect(https).toMatchObject({ uid: 0, ipv6Only: false });
  expect(https?.inode).toBeGreaterThan(0);
  expect(sockets.find(({ local }) => local.port === 546)?.device).toBe('eth0');
  expect(sockets.find(({ local }) => local.port === 9090)?.device).toBe('eth0');
  for (const name of ['ss -tanoim', 'netstat -tuaneo']) {
    const left = read(name).sockets.find(({ state }) => state === 'TIME_WAIT')?.freeInMs ?? 0;
    expect(left).toBeGreaterThan(50_000);
    expect(left).toBeLessThanOrEqual(60_000);
  }
});

test('gaps: what each cannot show', () => {
  expect(codes(read('ss -tuanp'))).toEqual(['printed-bound', 'printed-rest']);
  expect(codes(read('ss -ltn'))).toEqual([
    'printed-transport',
    'printed-listeners-only',
    'printed-bound',
    'printed-owners',
    'printed-rest',
  ]);
  expect(codes(read('ss -tn'))).toContain('printed-connections-only');
  expect(codes(read('setpriv --reuid 65534 ss -tuanp'))).toContain('printed-owners');
  expect(codes(read('netstat -tuanp'))).toContain('printed-one-owner');
  expect(codes(read('lsof -nP -i'))).toContain('printed-closing');
  // Root's own sockets were listed: root ran it.
  expect(codes(read('lsof -nP -i'))).not.toContain('printed-others');
  expect(codes(read('env LC_ALL=cs_CZ.UTF-8 netstat -tuane'))).toContain('printed-states');
});

test('a state filter takes the state away: a peer alone does not tell which', () => {
  const reading = read('ss -tan state time-wait');
  expect(reading.sockets).toHaveLength(1);
  expect(codes(reading)).toContain('printed-states');
});

test('nmap: what answered, in both forms', () => {
  for (const name of TEXTS.keys()) {
    if (!name.startsWith('nmap')) continue;
    const reading = read(name);
    expect(rows(reading)).toEqual(['tcp 127.0.0.1 22 - LISTEN', 'tcp 127.0.0.1 8080 - LISTEN']);
    expect(reading.unknownCount).toBe(0);
    expect(codes(reading)).toContain('printed-scan');
  }
});

test('everything in one paste: sections are told apart, and a socket that several tell of is one', () => {
  const parts = ['ss -tuanp', 'lsof -nP -i', 'netstat -tuaneo', 'busybox netstat -an'];
  const reading = readPrinted(parts.map((name) => TEXTS.get(name) ?? '').join('\n'));
  expect(reading.formats).toEqual(['ss', 'lsof', 'netstat']);
  expect(rows(reading)).toEqual(MADE);
  expect(reading.unknownCount).toBe(0);
  const ssh = reading.sockets.find(({ local }) => local.port === 22);
  expect(ssh?.owners.map(({ user }) => user)).toEqual(['root', 'root']);
  expect(ssh?.uid).toBe(0);
});
