// Listings of descriptors: as GNU ls and BusyBox write them, and what names of files may do to them.
import { expect, test } from 'vitest';
import { listedTarget, parseFdListing } from './linux-fd-listing.ts';

const HEAD = 'lrwx------ 1 0 0 64 Nov 25 19:08';

test('sockets by process; the folder that is listed for its name alone is passed over', () => {
  const gnu = `12/fd:\ntotal 0\n${HEAD} 3 -> socket:[77]\n${HEAD}  10 -> socket:[78]\n\nself/ns:\ntotal 0\n${HEAD} 5 -> socket:[79]\n`;
  const busybox =
    '\n/proc/13/fd:\ntotal 0\nlrwx------    1 0        0               64 Nov 25 19:08 4 -> socket:[77]\n';
  expect(parseFdListing(gnu + busybox)).toEqual({
    sockets: [
      { pid: 12, fd: 3, inode: 77 },
      { pid: 12, fd: 10, inode: 78 },
      { pid: 13, fd: 4, inode: 77 },
    ],
    refused: new Set(),
  });
});

test('a link that may not be read is a refusal, one that has gone is none', () => {
  const { sockets, refused } = parseFdListing(
    `12/fd:\n${HEAD} 3\n\n13/fd:\nl????????? ? ? ? ?            ? 3\n\n14/fd:\ntotal 0\n`,
  );
  expect(sockets).toEqual([]);
  expect([...refused]).toEqual([12]);
});

test('names of files forge nothing', () => {
  const names = [
    '/a/3 -> socket:[77]',
    'socket:[77] (deleted)',
    'socket:[077]',
    'socket:[77] -> socket:[77]',
    `/tmp/x?${HEAD} 3 -> socket:[77]`,
    '/tmp/12/fd:',
  ];
  for (const name of names) expect(parseFdListing(`12/fd:\n${HEAD} 9 -> ${name}\n`).sockets).toEqual([]);
  expect(parseFdListing(`../../12/fd:\n${HEAD} 3 -> socket:[77]\n`).sockets).toEqual([]);
  expect(parseFdListing(`012/fd:\n${HEAD} 3 -> socket:[77]\n`).sockets).toEqual([]);
});

test('one target, byte for byte', () => {
  const line = Buffer.concat([
    Buffer.from('lrwxrwxrwx 1 0 0 0 Jan  1 00:00 12/exe -> /a '),
    Buffer.from([0xff, 10, 10]),
  ]);
  expect(listedTarget(line, '12/exe')).toEqual(Buffer.concat([Buffer.from('/a '), Buffer.from([0xff, 10])]));
  expect(listedTarget(line, '13/exe')).toBeNull();
});
