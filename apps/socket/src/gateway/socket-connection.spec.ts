import { once } from 'node:events';
import { createConnection, type Socket as NetworkSocket } from 'node:net';
import type { Server, Socket } from 'socket.io';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { eventually } from '#testing';
import { bareIoServer } from './bare-io-server.ts';
import { SocketConnection } from './socket-connection.ts';

const REQUEST = `GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r
Host: localhost\r
Connection: Upgrade\r
Upgrade: websocket\r
Sec-WebSocket-Version: 13\r
Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r
\r
`;

/** The frame in which a client begins a session: `40`, under a mask of zeros. */
const BEGIN = Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x34, 0x30]);

let server: Server;
let client: NetworkSocket;
/** Of a client that does not read, and has more to take than the network holds. */
let connection: SocketConnection;
/** Its connection, as the server has it. */
let network: NetworkSocket;

beforeEach(async () => {
  const { http, port, ...others } = await bareIoServer();
  server = others.server;
  const accepted = once(http, 'connection') as Promise<[NetworkSocket]>;
  client = createConnection(port, 'localhost');
  client.on('error', () => undefined);
  client.write(REQUEST);
  [network] = await accepted;
  await once(client, 'data');
  const begun = once(server, 'connection') as Promise<[Socket]>;
  client.write(BEGIN);
  const [socket] = await begun;
  client.pause();
  connection = new SocketConnection(socket, null);
  for (let count = 0; count < 16; count += 1) socket.emit('event', 'x'.repeat(1024 * 1024));
  await eventually(() => {
    if (connection.isKeepingUp) throw new Error('the network has taken it all');
  });
});

afterEach(async () => {
  client.destroy();
  await server.close();
});

// A ping would have it looked at again.
it('a client that does not read is waited for until it has read on', { timeout: 15_000 }, async () => {
  const keeping = connection.keepsUp();
  client.resume();
  await keeping;
  expect([connection.isOpen, connection.isKeepingUp]).toEqual([true, true]);
});

it('a client that does not read is not waited for when it is gone', async () => {
  const keeping = connection.keepsUp();
  client.destroy();
  await keeping;
  expect(connection.isOpen).toBe(false);
});

it('a client that does not read is cut off at once when it is too slow', () => {
  connection.end('slow_consumer', 0);
  expect([connection.isOpen, network.destroyed]).toEqual([false, true]);
});

it('a client that does not read is cut off soon when it has to go', async () => {
  connection.end('drain', 0);
  expect(network.destroyed).toBe(false);
  await eventually(() => expect(network.destroyed).toBe(true), { timeoutMs: 10_000 });
});
