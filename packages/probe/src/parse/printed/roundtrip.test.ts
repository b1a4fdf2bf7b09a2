// Sockets, printed as each tool would, and read again: the same sockets, as far as that tool tells them.
import { type Holder, ListLines, type Socket, type SocketState, toHolder, translator } from '@portolan/core';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DOCUMENTS } from './documents.ts';
import {
  type PrintedFormat,
  type PrintedOptions,
  type PrintedReading,
  readPrinted as readLines,
} from './index.ts';
import { draftOf, owner, type Told } from './row.ts';

/** Lines and documents. */
function readPrinted(text: string, options: PrintedOptions = {}): PrintedReading {
  return readLines(text, { documents: DOCUMENTS, ...options });
}

const name = fc.constantFrom('nginx', 'node', 'my app', 'sshd: eva', 'a"b', 'x', 'Brave Browser H');
const owners = fc.uniqueArray(
  fc.tuple(fc.integer({ min: 1, max: 4_194_304 }), name).map(([pid, called]) => owner(pid, called)),
  { minLength: 1, maxLength: 3, selector: ({ pid }) => pid },
);
const v4 = fc.constantFrom('0.0.0.0', '127.0.0.1', '192.168.1.5', '10.200.30.4');
const v6 = fc.constantFrom('::', '::1', '2001:db8::7', 'fe80::1', '::ffff:10.0.0.1');
const port = fc.integer({ min: 1, max: 65_535 });
const CONNECTED: readonly SocketState[] = [
  'ESTABLISHED', 'SYN_SENT', 'SYN_RECV', 'FIN_WAIT1', 'FIN_WAIT2', 'CLOSE_WAIT', 'LAST_ACK', 'CLOSING', 'TIME_WAIT',
]; // biome-ignore format: one list reads better

/** A socket that a host may have. */
const socket: fc.Arbitrary<Told> = fc
  .record({
    transport: fc.constantFrom('tcp' as const, 'udp' as const),
    six: fc.boolean(),
    four: v4,
    sixth: v6,
    local: port,
    peer: fc.option(port),
    state: fc.constantFrom(...CONNECTED),
    owners,
    inode: fc.integer({ min: 1, max: 2_000_000_000 }),
    uid: fc.integer({ min: 0, max: 70_000 }),
    only: fc.boolean(),
  })
  .map(({ transport, six, four, sixth, local, peer, state, only, ...rest }): Told => {
    // What is connected has an address.
    const any = six ? sixth === '::' : four === '0.0.0.0';
    const address = peer !== null && any ? (six ? '::1' : '127.0.0.1') : six ? sixth : four;
    const told =
      peer === null
        ? transport === 'udp'
          ? 'UNCONN'
          : 'LISTEN'
        : transport === 'udp'
          ? 'ESTABLISHED'
          : state;
    const gone = told === 'TIME_WAIT';
    return {
      transport,
      family: six ? 'ipv6' : 'ipv4',
      local: { address, port: local },
      peer: peer === null ? null : { address: six ? '2001:db8::9' : '10.0.0.9', port: peer },
      state: told,
      owners: gone ? [] : rest.owners,
      inode: gone ? 0 : rest.inode,
      uid: gone ? null : rest.uid,
      ipv6Only: six && peer === null ? only : null,
    };
  });

const sockets = fc
  .uniqueArray(socket, {
    minLength: 1,
    maxLength: 12,
    selector: ({ transport, local, peer }) =>
      `${transport} ${local.address} ${local.port} ${peer?.port ?? ''}`,
  })
  .map((all) =>
    all.map(
      (told, nth): Socket =>
        draftOf({ ...told, inode: told.inode === 0 ? 0 : (told.inode ?? 0) + nth }, nth + 1),
    ),
  );

const WORDS: Readonly<Partial<Record<SocketState, string>>> = {
  ESTABLISHED: 'ESTAB',
  FIN_WAIT1: 'FIN-WAIT-1',
  FIN_WAIT2: 'FIN-WAIT-2',
};
const ANY = { ipv4: '0.0.0.0', ipv6: '::' };

function bracketed(address: string): string {
  return address.includes(':') ? `[${address}]` : address;
}

/** An IPv6 socket that serves IPv4, as tools that know families by a column tell its address. */
function plain(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/, '');
}

type Print = (all: readonly Socket[]) => string;

/** How each tool prints sockets, and what of them it tells. */
const TOOLS: Readonly<
  Record<
    string,
    { format: PrintedFormat; print: Print; tells: readonly (keyof Socket | 'pids' | 'names' | 'pid')[] }
  >
> = {
  'ss -tuanpe': {
    format: 'ss',
    tells: ['local', 'peer', 'state', 'inode', 'uid', 'pids', 'names', 'ipv6Only'],
    print: (all) =>
      all
        .map(({ transport, family, local, peer, state, inode, uid, owners: those, ipv6Only }) => {
          const users = those.map((each) => `("${each.name}",pid=${each.pid},fd=3)`).join(',');
          const any = family === 'ipv6' && ipv6Only === false && local.address === '::';
          const to =
            peer === null
              ? `${any ? '*' : bracketed(ANY[family])}:*`
              : `${bracketed(peer.address)}:${peer.port}`;
          const more = [
            users === '' ? '' : `users:(${users})`,
            uid === null || uid === 0 ? '' : `uid:${uid}`,
            `ino:${inode}`,
            'sk:1',
            ipv6Only === null ? '' : `v6only:${ipv6Only ? 1 : 0}`,
          ];
          const word = WORDS[state] ?? state.replaceAll('_', '-');
          return `${transport}   ${word} 0      0   ${any ? '*' : bracketed(local.address)}:${local.port}   ${to} ${more.join(' ')}\n`;
        })
        .join(''),
  },
  'netstat -tuanpe': {
    format: 'netstat',
    tells: ['local', 'peer', 'state', 'inode', 'uid', 'pid'],
    print: (all) =>
      all
        .map(({ transport, family, local, peer, state, inode, uid, owners: [first] }) => {
          const to = peer === null ? `${ANY[family]}:*` : `${plain(peer.address)}:${peer.port}`;
          const word = state === 'UNCONN' ? '' : state;
          const who = first === undefined ? '-' : `${first.pid}/${first.name}`;
          return `${transport}${family === 'ipv6' ? 6 : ''}        0      0 ${plain(local.address)}:${local.port}  ${to}  ${word}   ${uid ?? 0}   ${inode}   ${who}\n`;
        })
        .join(''),
  },
  'lsof -nP -i': {
    format: 'lsof',
    tells: ['local', 'peer', 'state', 'inode', 'pids', 'names'],
    print: (all) =>
      `COMMAND   PID USER   FD   TYPE   DEVICE SIZE/OFF NODE NAME\n${all
        .flatMap(({ transport, family, local, peer, state, inode, owners: those }) =>
          those.map((each) => {
            const from = local.address === ANY[family] ? '*' : bracketed(plain(local.address));
            const to = peer === null ? '' : `->${bracketed(plain(peer.address))}:${peer.port}`;
            const word = transport === 'udp' ? '' : `(${state})`;
            const command = each.name.replaceAll(' ', '\\x20');
            return `${command} ${each.pid} root 3u IPv${family === 'ipv6' ? 6 : 4} ${inode} 0t0 ${transport.toUpperCase()} ${from}:${local.port}${to} ${word}\n`;
          }),
        )
        .join('')}`,
  },
  'lsof -F': {
    format: 'lsof-fields',
    tells: ['local', 'peer', 'state', 'inode', 'pids', 'names'],
    print: (all) =>
      all
        .flatMap(({ transport, family, local, peer, state, inode, owners: those }) =>
          those.map((each) => {
            const from = local.address === ANY[family] ? '*' : bracketed(plain(local.address));
            const to = peer === null ? '' : `->${bracketed(plain(peer.address))}:${peer.port}`;
            const word = transport === 'udp' ? '' : `TST=${state}\n`;
            return `p${each.pid}\nc${each.name}\nf3\ntIPv${family === 'ipv6' ? 6 : 4}\nd${inode}\nP${transport.toUpperCase()}\nn${from}:${local.port}${to}\n${word}`;
          }),
        )
        .join(''),
  },
  'netstat -ano': {
    format: 'netstat-windows',
    tells: ['local', 'peer', 'state', 'pid'],
    print: (all) =>
      all
        .map(({ transport, family, local, peer, state, owners: [first] }) => {
          const none = transport === 'udp' ? '*:*' : `${bracketed(ANY[family])}:0`;
          const to = peer === null ? none : `${bracketed(peer.address)}:${peer.port}`;
          const word = transport === 'udp' ? '' : state === 'LISTEN' ? 'LISTENING' : state;
          return `  ${transport.toUpperCase()}    ${bracketed(local.address)}:${local.port}   ${to}   ${word}   ${first?.pid ?? 0}\r\n`;
        })
        .join(''),
  },
  'netstat -an, BSD': {
    format: 'netstat-bsd',
    tells: ['local', 'peer', 'state', 'ipv6Only'],
    print: (all) =>
      all
        .map(({ transport, family, local, peer, state, ipv6Only }) => {
          const kind = family === 'ipv4' ? 4 : ipv6Only === false ? 46 : 6;
          const from = local.address === ANY[family] ? '*' : plain(local.address);
          const to = peer === null ? '*.*' : `${plain(peer.address)}.${peer.port}`;
          const word =
            transport === 'udp' ? '' : state.replace('FIN_WAIT', 'FIN_WAIT_').replace('SYN_RECV', 'SYN_RCVD');
          return `${transport}${kind}   0   0  ${from}.${local.port}   ${to}   ${word}\n`;
        })
        .join(''),
  },
  osquery: {
    format: 'osquery-json',
    tells: ['local', 'peer', 'state', 'pid'],
    print: (all) =>
      JSON.stringify(
        all.map(({ transport, family, local, peer, state, inode, owners: [first] }) => ({
          family: family === 'ipv4' ? '2' : '10',
          local_address: local.address,
          local_port: String(local.port),
          remote_address: peer?.address ?? ANY[family],
          remote_port: String(peer?.port ?? 0),
          protocol: transport === 'tcp' ? '6' : '17',
          pid: String(first?.pid ?? -1),
          socket: String(inode),
          state: transport === 'udp' ? '' : state,
        })),
        null,
        1,
      ),
  },
};

/** What is compared: the named parts of each socket, in one order. */
function parts(all: readonly Socket[], tells: readonly string[]): string[] {
  return all
    .map((each) => {
      const pids = each.owners.map(({ pid }) => pid).toSorted((a, b) => a - b);
      const told: Record<string, unknown> = {
        ...each,
        pids,
        pid: each.owners[0]?.pid ?? null,
        names: each.owners.map(({ pid, name: called }) => `${pid} ${called}`).toSorted(),
      };
      return JSON.stringify([each.transport, each.family, ...tells.map((key) => told[key])]);
    })
    .toSorted();
}

describe.each(Object.entries(TOOLS))('%s', (_tool, { format, print, tells }) => {
  test('the same sockets come back', () => {
    fc.assert(
      fc.property(sockets, (all) => {
        const byProcess = format === 'lsof' || format === 'lsof-fields';
        const shown = byProcess ? all.filter((each) => each.owners.length > 0) : all;
        const reading = readPrinted(print(shown));
        expect(reading.unknown).toEqual([]);
        expect(parts(reading.sockets, tells)).toEqual(parts(shown, tells));
      }),
      { numRuns: 400 },
    );
  });
});

test('list --json: every holder comes back whole', () => {
  fc.assert(
    fc.property(sockets, (all) => {
      const holders = all.map(toHolder);
      const list = new ListLines((piece) => new TextEncoder().encode(piece));
      for (const holder of holders) list.add(holder);
      list.end([], [], translator('en'));
      const text = new TextDecoder().decode(list.take());
      const reading = readPrinted(text);
      expect(reading.unknown).toEqual([]);
      expect(reading.format).toBe('portolan-json');
      const bare = ({ inode: _inode, ownerHidden: _hidden, ...rest }: Holder): unknown => rest;
      expect(reading.sockets.map(toHolder).map(bare)).toEqual(holders.map(bare));
    }),
    { numRuns: 400 },
  );
});
