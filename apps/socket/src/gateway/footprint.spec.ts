import { once } from 'node:events';
import { createServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Server, Socket } from 'socket.io';
import { io, type Socket as Client } from 'socket.io-client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '#testing';
import { TidingsIoAdapter } from './io.adapter.ts';

const TOKEN = 'Bearer of-somebody';

let http: HttpServer;
let server: Server;
let client: Client;

beforeEach(async () => {
  http = createServer();
  server = new TidingsIoAdapter(
    http,
    { ALLOWED_ORIGINS: '*', CONNECT_TIMEOUT_MS: 1_000 },
    { addresses: { consumeRaw: () => Promise.resolve(undefined) }, secure: () => undefined },
  ).createIOServer(0);
  http.listen(0);
  await once(http, 'listening');
});

afterEach(async () => {
  client.close();
  await server.close();
});

/** A connection, as the server has it once it has begun. */
async function connect(transports: string[]): Promise<Socket> {
  const { port } = http.address() as AddressInfo;
  client = io(`http://localhost:${port}`, { transports, extraHeaders: { authorization: TOKEN, cookie: 'long' } });
  const [socket] = (await once(server, 'connection')) as [Socket];
  await eventually(() => expect(socket.conn.transport.name).toBe('websocket'));
  return socket;
}

/** The listeners of its emitters, by event. */
function listenersOf({ conn }: Socket): Record<string, number> {
  const { socket: webSocket } = conn.transport as unknown as { socket: NodeJS.EventEmitter };
  return {
    closed: conn.listenerCount('close'),
    upgrade: (conn.transport as unknown as NodeJS.EventEmitter).listenerCount('headers'),
    errors: webSocket.listenerCount('error'),
  };
}

describe.for([[['websocket']], [['polling', 'websocket']]])('a connection that began with %s', ([transports]) => {
  it('keeps of the request that opened it the token alone', async () => {
    const socket = await connect(transports!);
    expect(socket.request.headers).toEqual({ authorization: TOKEN });
  });

  it('is heard in both directions', async () => {
    const socket = await connect(transports!);
    socket.on('ask', (question: string, answer: (said: string) => void) => answer(`${question}!`));
    expect(await client.emitWithAck('ask', 'well')).toBe('well!');
    client.on('ask', (question: string, answer: (said: string) => void) => answer(`${question}?`));
    expect(await socket.emitWithAck('ask', 'well')).toBe('well?');
  });

  it('ends once, for all that listen', async () => {
    const socket = await connect(transports!);
    const ends: string[] = [];
    socket.on('disconnect', () => ends.push('socket'));
    socket.conn.on('close', () => ends.push('connection'));
    client.close();
    await eventually(() => expect(ends.toSorted()).toEqual(['connection', 'socket']));
    expect(server.engine.clientsCount).toBe(0);
  });
});

it('a websocket has no listeners that were there for its upgrade', async () => {
  expect(listenersOf(await connect(['websocket']))).toEqual({ closed: 2, upgrade: 0, errors: 1 });
});
