import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Server, type Socket } from 'socket.io';
import { describe, expect, it, onTestFinished } from 'vitest';
import { encodeCursor, type Envelope, type Session } from '#contracts';
import type { ClientOptions, TidingsClient } from '../client.ts';
import { createClient } from '../create-client.ts';

const ALICE = 'user:alice';
const ROOM = 'room:r';
const NO = { ok: false, problem: { type: '', title: '', status: 403, detail: 'no', code: 'FORBIDDEN' } };

interface Scene {
  url: string;
  /** The cursors of each handshake. */
  handshakes: string[][];
  /** A client that ends with the test. */
  clientOf: (options?: Partial<ClientOptions>) => TidingsClient;
}

function cursorAt(offset: number, channel = ALICE): string {
  return encodeCursor({ channel, offset, check: 'a'.repeat(12) });
}

function event(offset: number): Envelope {
  return { id: `${offset}`, channel: ROOM, offset, cursor: cursorAt(offset, ROOM), data: {} } as Envelope;
}

/** A socket server that begins each session where it is asked to, else where `starts` say, and then plays on. */
async function sceneOf(starts: string[], play: (socket: Socket, cursors: string[]) => void): Promise<Scene> {
  const http = createServer();
  const io = new Server(http, { transports: ['websocket'] });
  const handshakes: string[][] = [];
  io.on('connection', (socket) => {
    const { cursors: given = [] } = socket.handshake.auth as { cursors?: string[] };
    handshakes.push(given);
    const cursors = given.length > 0 ? given : starts;
    const session: Session = { userId: 'alice', instance: 'socket', recovered: true, cursors, tokenExpiresAt: null };
    socket.emit('session', session);
    play(socket, cursors);
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  onTestFinished(() => io.close());
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  const clientOf = (options: Partial<ClientOptions> = {}): TidingsClient => {
    const client = createClient({ baseUrl: url, token: () => 'token', ...options });
    onTestFinished(() => client.close());
    return client;
  };
  return { url, handshakes, clientOf };
}

describe('a client goes on where it was', () => {
  it.each([{}, { after: '0' }])('in a channel of its own that it asked to subscribe to, with %j', async (options) => {
    const starts = [cursorAt(3), cursorAt(7, 'everyone')];
    const { url, handshakes, clientOf } = await sceneOf(starts, (socket) => {
      socket.on('subscribe', (_, answer: (value: object) => void) => answer(NO));
    });
    const client = clientOf();
    await client.connect();
    const { ended } = client.subscribe('everyone', undefined, options);
    expect(await ended).toMatchObject({ code: 'FORBIDDEN' });
    client.useSocket(url);
    await client.connect();
    expect(handshakes).toEqual([[], starts]);
  });
});

describe('a subscription that begins where it is told', () => {
  it('hears all from there, although the one before it was left with events on their way', async () => {
    const { clientOf } = await sceneOf([cursorAt(0)], (socket) => {
      let last = 7;
      socket.on('subscribe', ({ cursor }: { cursor?: string }, answer: (value: object) => void) => {
        const from = cursor === '0' ? 0 : last;
        answer({ ok: true, recovered: true, cursor: cursorAt(from, ROOM) });
        for (let offset = from + 1; offset <= last; offset += 1) socket.emit('event', event(offset));
        if (cursor === '0') socket.emit('event', event(last + 1));
      });
      socket.on('unsubscribe', (_, answer: (value: object) => void) => {
        last = 8;
        socket.emit('event', event(8));
        answer({ ok: true });
      });
    });
    const client = clientOf();
    await client.connect();
    const left = client.subscribe(ROOM);
    await left.ready;
    left.unsubscribe();
    const heard: unknown[] = [];
    client.subscribe(ROOM, (passing) => heard.push('offset' in passing && passing.offset), { after: '0' });
    await expect.poll(() => heard).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });
});
