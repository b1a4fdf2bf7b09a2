// A conversation with a real sh on this machine, and with machines that say what they like.
import { spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Snapshot } from '@portolan/core';
import { describe, expect, test } from 'vitest';
import { printedTexts } from '../../../../fixtures/printed.ts';
import { Conversation } from './conversation.ts';
import { lookAtAnswer } from './look.ts';
import { writeProcFiles } from './proc-files.ts';

const BOUNDARY = 'b'.repeat(48);
const ALL = { ports: null, transports: ['tcp', 'udp'] } as const;
const AT = new Date('2026-01-02T03:04:05Z');

/** What a machine says that sends these frames, whatever it is asked. */
function saying(...frames: readonly (readonly [name: string, body: string | Buffer])[]): Conversation {
  const talk = new Conversation(BOUNDARY);
  const parts = [...frames, ['end', ''], ['over', '']] as const;
  for (const [name, body] of parts)
    talk.take(Buffer.concat([Buffer.from(`\n${BOUNDARY} ${name}\n`), Buffer.from(body)]));
  return talk;
}

const TCP_HEAD =
  '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n';
/** A listener on 127.0.0.1, or in the other byte order on 1.0.0.127. */
const row = (port: number, inode: number): string =>
  `   0: 0100007F:${port.toString(16).toUpperCase().padStart(4, '0')} 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 ${inode} 1 0 100 0 0 10 0\n`;
const stat = (pid: number, start: number): string =>
  `${pid} (a b) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 ${start} 0 0\n`;
const fd = (pid: number, inode: number): string =>
  `${pid}/fd:\nlrwx------ 1 0 0 64 Nov 25 19:08 3 -> socket:[${inode}]\n`;

const linux = (tcp: string, listing: string) =>
  [
    ['hello', ''],
    ['uname', 'Linux\n6.1.0\nx86_64\n'],
    ['uid', '0\n'],
    ['passwd', 'ann:x:1000:1000::/home/ann:/bin/sh\nann\u202e:x:1001:::\n'],
    ['first', ''],
    ['boot', 'cpu 1\nbtime 1700000000\n'],
    ['pids', 'pid:[4026531836]\n'],
    ['limits/ip_local_port_range', '32768\t60999\n'],
    ['limits/ip_local_reserved_ports', '\n'],
    ['limits/ip_unprivileged_port_start', '1024\n'],
    ['1/tcp', TCP_HEAD + tcp],
    ['1/udp', TCP_HEAD],
    ['1/refused', '\n'],
    ['1/fd', listing],
    ['1/told', ''],
    ['1/now', ''],
  ] as const;
const owner = (pid: number, inode: number, start = 500, again = start) =>
  [
    [`${pid}/stat`, stat(pid, start)],
    [`${pid}/status`, 'Name:\ta\nUid:\t1000\t1000\t1000\t1000\n'],
    [`${pid}/cmdline`, Buffer.from([0x61, 0, 0xff, 0x0a, 0x62, 0])],
    [`${pid}/exe`, Buffer.from([0x2f, 0xff, 0x0a, 0x78, 0x0a])],
    ['again/fd', fd(pid, inode)],
    [`${pid}/again`, stat(pid, again)],
    ['told', ''],
  ] as const;

/** Nothing of ours is left behind. */
const left = (): string[] =>
  [tmpdir(), '/dev/shm']
    .filter((place) => existsSync(place))
    .flatMap((place) => readdirSync(place))
    .filter((name) => name.startsWith(`portolan-host-${process.pid}-`));

async function look(talk: Conversation): Promise<Snapshot> {
  const snapshot = await lookAtAnswer(talk.answer(), ALL, AT);
  expect(left()).toEqual([]);
  return snapshot;
}

describe('what a machine says', () => {
  test('sockets, owners, limits, users of that machine', async () => {
    const seen = await look(saying(...linux(row(3000, 77), fd(12, 77)), ...owner(12, 77)));
    expect(seen).toMatchObject({
      platform: 'linux',
      release: '6.1.0',
      takenAt: AT.toISOString(),
      via: 'procfs',
      limits: { ephemeral: [32_768, 60_999], reserved: [], unprivilegedFrom: 1024 },
    });
    expect(seen.sockets).toMatchObject([
      {
        local: { address: '127.0.0.1', port: 3000 },
        user: 'ann',
        owners: [{ pid: 12, user: 'ann', startedAt: '2023-11-14T22:13:25.000Z', argv: ['a', '\ufffd\nb'] }],
        ownersComplete: true,
      },
    ]);
    expect(seen.sockets[0]?.owners[0]?.exe).toBe('/\ufffd\nx');
    expect(seen.gaps.map(({ code }) => code)).toEqual(['bound-unlisted']);
  });

  test('a pid that passed to another in between owns nothing', async () => {
    const seen = await look(saying(...linux(row(3000, 77), fd(12, 77)), ...owner(12, 77, 500, 501)));
    expect(seen.sockets[0]?.owners).toEqual([]);
    const elsewhere = await look(saying(...linux(row(3000, 77), fd(12, 77)), ...owner(12, 78)));
    expect(elsewhere.sockets[0]?.owners).toEqual([]);
    expect(elsewhere.gaps.map(({ code }) => code)).toContain('owner-not-found');
  });

  test('processes that refuse to be looked into are a gap, for root here as well', async () => {
    const frames = linux(row(3000, 77), '').map(([name, body]) =>
      name === '1/refused' ? ([name, '55 56 ../57 0x58\n'] as const) : ([name, body] as const),
    );
    const seen = await look(saying(...frames));
    expect(seen.gaps.find(({ code }) => code === 'owners-hidden')?.values).toEqual({
      sockets: 1,
      processes: 2,
    });
  });

  test('the byte order of that machine', async () => {
    const elf = ['elf', Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 2])] as const;
    const seen = await look(saying(elf, ...linux(row(3000, 77), '')));
    expect(seen.sockets[0]?.local).toEqual({ address: '1.0.0.127', port: 3000 });
  });

  test('a table that is missing or no table hides something', async () => {
    const frames = linux('', '').filter(([name]) => name !== '1/udp');
    const seen = await look(saying(...frames, ['1/tcp6', 'rubbish']));
    const hidden = seen.gaps.filter(({ code }) => code === 'sockets-unreadable');
    expect(hidden.map(({ coversUse }) => coversUse)).toEqual([true, true, true]);
    expect(hidden.map(({ values }) => values['file'])).toEqual([
      '/proc/net/tcp6',
      '/proc/net/udp',
      '/proc/net/udp6',
    ]);
  });

  test('no path of that machine leads anywhere', () => {
    const root = mkdtempSync(join(tmpdir(), 'portolan-hostile-'));
    try {
      const evil = '../../evil';
      const talk = saying(
        ...linux(row(3000, 77) + row(3001, 78), fd(12, 77)),
        [`${evil}/stat`, stat(1, 1)],
        ['limits/../../../evil', 'x'],
        ['1/../../evil/stat', 'x'],
        ['99999999999/stat', 'x'],
        ['13/exe', '/etc/passwd\n'],
        ['13/stat', stat(13, 1)],
        ['pids', '../../evil\n'],
        ['again/fd', `${evil}/fd:\nlrwx------ 1 0 0 64 Nov 25 19:08 3 -> socket:[77]\n`],
        ...owner(12, 77),
      );
      const folder = join(root, 'in', 'proc');
      const answer = talk.answer();
      mkdirSync(folder, { recursive: true });
      writeProcFiles(answer, null, folder);
      const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(
        (name) => !name.startsWith('in/proc'),
      );
      expect(files.toSorted()).toEqual(['in']);
      expect(existsSync(join(root, 'evil'))).toBe(false);
      expect(readlinkSync(join(folder, '13/exe'))).toBe('/etc/passwd');
      expect(readFileSync(join(folder, '12/cmdline'), 'latin1')).toBe('a\0\xff\nb\0');
      expect(statSync(join(folder, 'net/tcp')).mode & 0o077).toBe(0);
    } finally {
      rmSync(root, { recursive: true });
    }
  });

  test('macOS and the BSDs: what netstat, lsof and sysctl print', async () => {
    const texts = new Map([...printedTexts('printed'), ...printedTexts('printed-written')]);
    const named = [...texts].find(([name]) => /^netstat.*(macOS|-anv)/.test(name));
    const seen = await look(
      saying(
        ['hello', ''],
        ['uname', 'Darwin\n23.1.0\narm64\n'],
        ['sysctl', 'net.inet.ip.portrange.first: 49152\nnet.inet.ip.portrange.last: 65535\n'],
        ['netstat', named?.[1] ?? ''],
      ),
    );
    expect(seen).toMatchObject({
      platform: 'darwin',
      release: '23.1.0',
      limits: { ephemeral: [49_152, 65_535] },
    });
    expect(seen.sockets.length).toBeGreaterThan(0);
    const none = await look(
      saying(['hello', ''], ['uname', 'Plan9\n4\n'], ['netstat', 'netstat: not found\n']),
    );
    expect(none.gaps.find(({ code }) => code === 'remote-tools')?.coversUse).toBe(true);
  });
});

test('a conversation that never ends asks for nothing new', () => {
  const talk = new Conversation(BOUNDARY);
  const told = Buffer.from(`\n${BOUNDARY} told\n\n${BOUNDARY} now\n`);
  for (let i = 0; i < 100; i++) expect(talk.take(told)).toMatch(/^bye /);
  expect(talk.done).toBe(false);
  expect(talk.answer()).toMatchObject({ round: 0, whole: false });
});

test.skipIf(process.platform !== 'linux')('a real sh, piece by piece', async () => {
  const talk = new Conversation();
  const sh = spawn('sh', [], { stdio: ['pipe', 'pipe', 'ignore'] });
  sh.stdin.write(talk.opening);
  for await (const bytes of sh.stdout) {
    // A byte at a time: nothing hangs on how the bytes come.
    for (const byte of bytes as Buffer) {
      const reply = talk.take(Buffer.from([byte]));
      if (reply !== null) sh.stdin.write(reply);
    }
  }
  expect(talk.done).toBe(true);
  const seen = await look(talk);
  expect(seen.gaps.filter(({ code }) => code === 'sockets-unreadable')).toEqual([]);
  expect(seen.limits.ephemeral).not.toBeNull();
});
