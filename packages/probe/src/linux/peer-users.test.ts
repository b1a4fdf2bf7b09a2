import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import type { Endpoint } from '@portolan/core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { peerUsers } from './peer-users.ts';

describe.runIf(process.platform === 'linux').each([{ ffi: true }, { ffi: false }])(
  'peerUsers (ffi: $ffi)',
  (options) => {
    let server: Server;
    let port: number;
    const accepted: Socket[] = [];
    const users = peerUsers(options);
    beforeAll(async () => {
      server = createServer((socket) => {
        socket.on('error', () => undefined);
        accepted.push(socket);
      });
      await new Promise<void>((done) => {
        server.listen(0, '127.0.0.1', done);
      });
      port = (server.address() as AddressInfo).port;
    });
    afterAll(() => {
      for (const socket of accepted) socket.destroy();
      server.close();
      users.close();
    });

    /** Connects, and gives both ends. */
    async function pair(host: string): Promise<{ client: Socket; own: Endpoint; peer: Endpoint }> {
      const client = connect({ port, host });
      client.on('error', () => undefined);
      await new Promise((done) => client.once('connect', done));
      await expect.poll(() => accepted.some((socket) => socket.remotePort === client.localPort)).toBe(true);
      const there = accepted.find((socket) => socket.remotePort === client.localPort);
      return {
        client,
        own: { address: there?.localAddress ?? '', port: there?.localPort ?? 0 },
        peer: { address: there?.remoteAddress ?? '', port: there?.remotePort ?? 0 },
      };
    }

    test.each(['127.0.0.1', '::ffff:127.0.0.1'])('the user of a connection from %s', async (host) => {
      const { client, own, peer } = await pair(host);
      expect(users.uidOf(own, peer)).toBe(process.geteuid?.());
      client.destroy();
    });

    test('nobody’s: no such connection, a listener in its place, addresses that are none', async () => {
      const { client, own, peer } = await pair('127.0.0.1');
      expect(users.uidOf(own, { ...peer, port: peer.port === 1 ? 2 : 1 })).toBe(null);
      expect(users.uidOf({ ...own, port: 1 }, peer)).toBe(null);
      expect(users.uidOf(peer, { ...own, address: '127.0.0.2' })).toBe(null);
      // The other end is the listener's own: asked the wrong way round it is ours, too, and never the listener.
      expect(users.uidOf({ address: '127.0.0.1', port: 1 }, own)).toBe(null);
      expect(users.uidOf({ address: '::1', port: own.port }, peer)).toBe(null);
      expect(users.uidOf({ address: 'localhost', port: own.port }, peer)).toBe(null);
      client.destroy();
    });

    test('a socket that its process closed is nobody’s, though the kernel then says 0', async () => {
      const { client, own, peer } = await pair('127.0.0.1');
      client.end('late');
      client.destroy();
      await new Promise((done) => client.once('close', done));
      expect(users.uidOf(own, peer)).toBe(null);
    });
  },
);
