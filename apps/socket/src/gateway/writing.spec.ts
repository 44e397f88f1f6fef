import { once } from 'node:events';
import type { Server as HttpServer } from 'node:http';
import { createConnection, type Socket as NetworkSocket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Server, Socket } from 'socket.io';
import { io, type Socket as Client } from 'socket.io-client';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Session } from '#contracts';
import { eventually } from '#testing';
import { bareIoServer } from './bare-io-server.ts';
import { SocketConnection } from './socket-connection.ts';

let http: HttpServer;
let server: Server;
let port: number;
const clients: Client[] = [];

beforeEach(async () => {
  ({ http, server, port } = await bareIoServer());
});

afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await server.close();
});

/** A client, as the server has it, and what the client hears from then on. */
async function connect(transport: string): Promise<{ socket: Socket; heard: unknown[] }> {
  const heard: unknown[] = [];
  const client = io(`http://localhost:${port}`, { transports: [transport], forceNew: true });
  clients.push(client);
  client.onAny((_name, said) => heard.push(said));
  const [[socket]] = (await Promise.all([
    once(server, 'connection'),
    once(client as unknown as NodeJS.EventEmitter, 'connect'),
  ])) as [[Socket], unknown];
  return { socket, heard };
}

/** A websocket without a client, and all that comes by it. */
async function openWebSocket(query: string): Promise<{ webSocket: WebSocket; frames: unknown[] }> {
  const frames: unknown[] = [];
  const webSocket = new WebSocket(`ws://localhost:${port}/socket.io/?EIO=4&transport=websocket${query}`);
  webSocket.addEventListener('message', ({ data }) => frames.push(data));
  await once(webSocket, 'open');
  return { webSocket, frames };
}

/** The connection below a websocket. */
function networkSocketOf({ conn }: Socket): NetworkSocket {
  return (conn.transport as unknown as { socket: { _socket: NetworkSocket } }).socket._socket;
}

describe.for(['websocket', 'polling'])('what is said in one moment by %s', (transport) => {
  it('comes whole and in order, whatever it is', async () => {
    const { socket, heard } = await connect(transport);
    const lengths = [0, 1, 100, 113, 114, 115, 116, 117, 60_000, 65_522, 65_523, 65_524, 65_525, 65_526, 300_000];
    const said: unknown[] = [
      ...lengths.map((length) => 'x'.repeat(length)),
      'ä€😀'.repeat(5_000),
      Buffer.from('binary'),
    ];
    void socket.join('all');
    for (const each of said) {
      socket.emit('one', each);
      server.to('all').emit('each', each);
    }
    await eventually(() => expect(heard).toHaveLength(2 * said.length));
    expect(heard).toEqual(said.flatMap((each) => [each, each]));
  });

  it('may be binary of any kind', async () => {
    const { socket, heard } = await connect(transport);
    const { buffer } = new Uint16Array([1, 2, 3]);
    const views = [buffer, new Uint8Array(buffer, 1, 2), new Uint16Array(buffer, 2), new DataView(buffer, 3, 1)];
    for (const each of views) socket.emit('one', each);
    await eventually(() => expect(heard).toHaveLength(views.length));
    expect(heard).toEqual([[1, 0, 2, 0, 3, 0], [0, 2], [2, 0, 3, 0], [0]].map((bytes) => Buffer.from(bytes)));
  });
});

it('what is said in one moment is one write, whoever says it and whatever was waited for', async () => {
  const { socket, heard } = await connect('websocket');
  const connection = new SocketConnection(socket, null);
  const writes = vi.spyOn(networkSocketOf(socket), 'write');
  void socket.join('all');
  // As when a message of a client or a timer brings it.
  await nextTurn();
  setImmediate(() => {
    connection.send('goaway', { reason: 'drain', reconnectInMs: 0 });
    void Promise.resolve()
      .then(() => Promise.resolve())
      .then(() => server.to('all').emit('event', 1));
  });
  await nextTurn();
  // And no later.
  expect(writes).toHaveBeenCalledOnce();
  await eventually(() => expect(heard).toEqual([{ reason: 'drain', reconnectInMs: 0 }, 1]));
});

it('who has heard something is not looked at again when others do', async () => {
  const [one, other] = [await connect('websocket'), await connect('websocket')];
  one.socket.emit('event', 1);
  await eventually(() => expect(one.heard).toEqual([1]));
  const flushes = vi.spyOn(Object.getPrototypeOf(one.socket.conn) as { flush: () => void }, 'flush');
  other.socket.emit('event', 2);
  await eventually(() => expect(other.heard).toEqual([2]));
  const flushed = new Set<unknown>(flushes.mock.contexts);
  flushes.mockRestore();
  expect([one, other].map(({ socket }) => flushed.has(socket.conn))).toEqual([false, true]);
});

it('the answer to an upgrade is one write with the first message', async () => {
  const accepted = once(http, 'connection') as Promise<[NetworkSocket]>;
  const raw = createConnection(port, 'localhost');
  const [socket] = await accepted;
  const writes = [vi.spyOn(socket, '_write'), vi.spyOn(socket, '_writev' as '_write')];
  const [cork, uncork] = [vi.spyOn(socket, 'cork'), vi.spyOn(socket, 'uncork')];
  raw.write(
    'GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n' +
      'Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  );
  const [first] = (await once(raw, 'data')) as [Buffer];
  expect(first.toString('latin1')).toMatch(/^HTTP\/1\.1 101 [^]*\r\n\r\n[^]*0\{"sid":/);
  expect(writes.flatMap(({ mock }) => mock.calls)).toHaveLength(1);
  // Later ones have nothing to do with it.
  const { socket: other, heard } = await connect('websocket');
  other.emit('event', 1);
  await eventually(() => expect(heard).toEqual([1]));
  expect(uncork).toHaveBeenCalledTimes(cork.mock.calls.length);
  raw.destroy();
});

it('what is large and the same for many is not copied for each', async () => {
  const [one, other] = [await connect('websocket'), await connect('websocket')];
  const written = [one, other].map(({ socket }) => vi.spyOn(networkSocketOf(socket), 'write'));
  for (const { socket } of [one, other]) void socket.join('all');
  const said = ['small', 'x'.repeat(5_000), 'small', 'small', 'y'.repeat(5_000)];
  for (const each of said) server.to('all').emit('each', each);
  await eventually(() => expect([one.heard, other.heard]).toEqual([said, said]));
  const [first, second] = written.map(({ mock }) => mock.calls.map(([chunk]) => chunk));
  expect(first!.filter((chunk) => second!.includes(chunk) && chunk.length > 5_000)).toHaveLength(2);
});

it('who cannot take what is binary gets it as text', async () => {
  const { webSocket, frames } = await openWebSocket('&b64=1');
  webSocket.send('40');
  const [socket] = (await once(server, 'connection')) as [Socket];
  for (const text of ['one', 'two']) socket.emit('event', Buffer.from(text));
  await eventually(() => expect(frames).toHaveLength(6));
  expect(frames.slice(2)).toEqual(['one', 'two'].flatMap((text) => [expect.any(String), `b${btoa(text)}`]));
  webSocket.close();
});

it('who is sent away while it changes to a websocket hears of it there', async () => {
  const polling = `http://localhost:${port}/socket.io/?EIO=4&transport=polling`;
  const opened = await (await fetch(polling)).text();
  const { sid } = JSON.parse(opened.slice(1)) as { sid: string };
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  await fetch(`${polling}&sid=${sid}`, { method: 'POST', body: '40' });
  const [socket] = await accepted;
  expect(await (await fetch(`${polling}&sid=${sid}`)).text()).toMatch(/^40/);
  const { webSocket, frames } = await openWebSocket(`&sid=${sid}`);
  webSocket.send('2probe');
  await eventually(() => expect(frames).toEqual(['3probe']));
  new SocketConnection(socket, null).end('drain', 5);
  await eventually(() => expect(socket.conn.readyState).toBe('closing'));
  webSocket.send('5');
  await once(webSocket, 'close');
  expect(frames).toEqual(['3probe', '42["goaway",{"reason":"drain","reconnectInMs":5}]']);
});

it('who has left hears nothing of it when it comes back on the same connection', async () => {
  const { webSocket, frames } = await openWebSocket('');
  const begin = async (): Promise<SocketConnection> => {
    const begun = once(server, 'connection') as Promise<[Socket]>;
    webSocket.send('40');
    const [socket] = await begun;
    return new SocketConnection(socket, null);
  };
  const before = await begin();
  webSocket.send('41');
  await eventually(() => expect(before.isOpen).toBe(false));
  const now = await begin();
  for (const [userId, connection] of Object.entries({ before, now })) connection.send('session', { userId } as Session);
  await eventually(() => expect(frames).toContain('42["session",{"userId":"now"}]'));
  expect(frames).not.toContain('42["session",{"userId":"before"}]');
  webSocket.close();
});
