import { once } from 'node:events';
import { createServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Server, type Socket } from 'socket.io';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { TokenVerifier } from '#auth';
import { loadConfig, SocketConfig } from '#config';
import { eventually } from '#testing';
import type { Connections } from '../connections/connections.service.ts';
import { Admission } from './admission.ts';
import { EventLimits } from './event-limits.ts';

const MOST_RETURNS = 20;
const CONNECT_TIMEOUT_MS = 1_000;

let http: HttpServer;
let server: Server;
let client: WebSocket;
const said: string[] = [];

beforeEach(async () => {
  const config = loadConfig(SocketConfig, {
    NODE_ENV: 'test',
    DATABASE_URL: 'postgres://localhost/-',
    REDIS_URL: 'redis://localhost',
    JWT_SECRET: 'x'.repeat(32),
    CONNECT_TIMEOUT_MS: String(CONNECT_TIMEOUT_MS),
  });
  const admission = new Admission({} as TokenVerifier, {} as Connections, new EventLimits(config), config);
  http = createServer();
  server = new Server(http, { serveClient: false });
  server.use((socket, next) => void admission.admit(socket, next));
  server.on('connection', (socket) => {
    admission.begun(socket);
    socket.on('disconnect', () => admission.ended(socket));
  });
  http.listen(0);
  await once(http, 'listening');
  client = new WebSocket(`ws://localhost:${(http.address() as AddressInfo).port}/socket.io/?EIO=4&transport=websocket`);
  said.length = 0;
  client.addEventListener('message', ({ data }) => said.push(data as string));
  await once(client, 'message');
});

afterEach(async () => {
  client.close();
  await server.close();
});

it('a client that leaves a connection and comes back on it, again and again, is refused', async () => {
  for (let session = 0; session <= MOST_RETURNS; session += 1) {
    client.send('40');
    const [socket] = (await once(server, 'connection')) as [Socket];
    const left = once(socket, 'disconnect');
    client.send('41');
    await left;
  }
  client.send('40');
  await eventually(() => expect(said.at(-1)).toMatch(/^44.*RATE_LIMITED/));
});

it('a client that was refused may begin again on its connection', async () => {
  client.send('40{"token":"of nobody"}');
  await eventually(() => expect(said.at(-1)).toMatch(/^44/));
  client.send('40');
  await once(server, 'connection');
});

it('a client that has come back in time stays, one that has not is cut off', async () => {
  const closed = once(client, 'close');
  let isClosed = false;
  void closed.then(() => (isClosed = true));
  const leave = async (): Promise<void> => {
    const [socket] = (await once(server, 'connection')) as [Socket];
    const left = once(socket, 'disconnect');
    client.send('41');
    await left;
  };
  client.send('40');
  await leave();
  client.send('40');
  await once(server, 'connection');
  const until = Date.now() + 2 * CONNECT_TIMEOUT_MS;
  await eventually(() => expect(Date.now()).toBeGreaterThan(until));
  expect(isClosed).toBe(false);
  client.send('41');
  await closed;
});
