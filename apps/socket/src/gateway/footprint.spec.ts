import { once } from 'node:events';
import type { Server as HttpServer } from 'node:http';
import { createConnection, type Socket as NetworkSocket } from 'node:net';
import { promisify } from 'node:util';
import type { Server, Socket } from 'socket.io';
import { io, type Socket as Client } from 'socket.io-client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '#testing';
import { bareIoServer } from './bare-io-server.ts';
import { SocketConnection } from './socket-connection.ts';

const TOKEN = 'Bearer of-somebody';

let http: HttpServer;
let server: Server;
let port: number;
let client: Client;
let counted: number;

beforeEach(async () => {
  counted = 0;
  const addresses = { consumeRaw: () => Promise.resolve(void (counted += 1)) };
  ({ http, server, port } = await bareIoServer({ addresses }));
});

afterEach(async () => {
  client.close();
  await server.close();
});

/** A connection, as the server has it once it has begun. */
async function connect(transports: string[]): Promise<Socket> {
  client = io(`http://localhost:${port}`, { transports, extraHeaders: { authorization: TOKEN, cookie: 'long' } });
  const [socket] = (await once(server, 'connection')) as [Socket];
  await eventually(() => expect(socket.conn.transport.name).toBe('websocket'));
  return socket;
}

function connectionsOf(): Promise<number> {
  return promisify(http.getConnections.bind(http))();
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

it.for([[['websocket']], [['polling', 'websocket']]])(
  'whoever else listens to the end of a connection is told of it, with %s',
  async ([transports]) => {
    let ends = 0;
    http.on('connection', (network: NetworkSocket) => network.once('close', () => (ends += 1)));
    await connect(transports!);
    const opened = http.listenerCount('connection') > 0 && (await connectionsOf());
    client.close();
    await eventually(async () => expect(await connectionsOf()).toBe(0));
    expect(ends).toBeGreaterThanOrEqual(opened as number);
  },
);

it('a client is counted by its address, whatever it says of an earlier session', async () => {
  const answer = await fetch(`http://localhost:${port}/socket.io/?EIO=4&transport=polling&sid=`);
  expect([answer.status, counted]).toEqual([200, 1]);
  client = io(`http://localhost:${port}`, { autoConnect: false });
});

it('a client that does not answer the farewell is cut off', async () => {
  client = io(`http://localhost:${port}`, { autoConnect: false });
  const network = createConnection(port, 'localhost');
  network.write(
    'GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  );
  await once(network, 'data');
  // A frame with the text 40, with a mask of zeros.
  network.write(Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x34, 0x30]));
  const [socket] = (await once(server, 'connection')) as [Socket];
  network.resume();
  const closed = once(network, 'close');
  new SocketConnection(socket, null).end('drain', 0);
  await closed;
  expect(await connectionsOf()).toBe(0);
});

it('a websocket has no listeners that were there for its upgrade', async () => {
  expect(listenersOf(await connect(['websocket']))).toEqual({ closed: 2, upgrade: 0, errors: 1 });
});

it('a client that leaves and comes back by polling leaves nothing behind', async () => {
  client = io(`http://localhost:${port}`, { transports: ['polling'] });
  let [socket] = (await once(server, 'connection')) as [Socket];
  for (let round = 0; round < 3; round += 1) {
    const left = once(socket, 'disconnect');
    client.io.engine.send('1');
    await left;
    client.io.engine.send('0');
    [socket] = (await once(server, 'connection')) as [Socket];
  }
  await eventually(() => expect(socket.conn.listenerCount('upgrade')).toBe(1));
});
