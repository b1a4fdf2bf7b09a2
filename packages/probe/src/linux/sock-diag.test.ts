// The kernel's own tables: what is asked for by another thread is answered as what is asked for at once.
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { expect, test } from 'vitest';
import { ALL_STATES, type DumpRequest } from '../parse/linux-inet-diag.ts';
import type { LinuxSocketRow } from '../parse/linux-row.ts';
import { type Libc, loadLibc } from './native.ts';
import { openSockDiag, type SockDiag } from './sock-diag.ts';

const libc = process.platform === 'linux' ? loadLibc() : null;

const ofPort = (port: number): DumpRequest => ({
  family: 'both',
  transport: 'tcp',
  states: ALL_STATES,
  ports: [port, port],
});

function rowsOf(diag: SockDiag, request: DumpRequest): LinuxSocketRow[] {
  const rows: LinuxSocketRow[] = [];
  expect(diag.dump(request, (row) => rows.push(row))).toBeNull();
  return rows.filter(({ state }) => state === 'LISTEN');
}

test.skipIf(libc === null)(
  'a dump that was asked for beside gives the rows of one that was not, and once',
  async () => {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const diag = libc === null ? null : openSockDiag(libc);
    if (diag === null) throw new Error('no sock_diag');
    try {
      const plain = rowsOf(diag, ofPort(port));
      expect(plain.map(({ local }) => local.port)).toEqual([port]);
      await diag.ask(ofPort(port));
      expect(rowsOf(diag, ofPort(port))).toEqual(plain);
      // The next one is a question of its own again.
      expect(rowsOf(diag, ofPort(port))).toEqual(plain);
      // One that could not be sent is asked again.
      const deaf = openSockDiag({ ...libc, sendBeside: () => Promise.resolve(-1) } as Libc);
      await deaf?.ask(ofPort(port));
      expect(deaf === null ? [] : rowsOf(deaf, ofPort(port))).toEqual(plain);
      deaf?.close();
      await diag.ask(ofPort(port));
      expect(() => rowsOf(diag, ofPort(port === 1 ? 2 : port - 1))).toThrow('under way');
    } finally {
      diag.close();
      server.close();
    }
  },
);
