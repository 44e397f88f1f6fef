import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Server, type Socket } from 'socket.io';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { decodeCursor, encodeCursor, type Envelope, type OutcomeEnvelope, type Session } from '#contracts';
import type { ClientOptions, TidingsClient } from '../client.ts';
import { createClient } from '../create-client.ts';
import { memoryStorage, type ClientStorage } from '../storage/client-storage.ts';
import type { TidingsError } from '../tidings-error.ts';

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

function outcome(offset: number): OutcomeEnvelope {
  const data = { id: `${offset}`, done: true };
  return { id: `${offset}`, channel: ALICE, offset, cursor: cursorAt(offset), data } as OutcomeEnvelope;
}

function offsetOf(cursor: string): number {
  return decodeCursor(cursor)!.offset;
}

function keptIn(storage: ClientStorage): number[] {
  return (JSON.parse(storage.read()!) as { cursors: string[] }).cursors.map(offsetOf);
}

/** A JWT, as far as a client looks into it. */
function tokenOf(sub: string): string {
  return `e30.${btoa(JSON.stringify({ sub }))}.signature`;
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

describe('a client on the memory of another user', () => {
  function memoryOf(user: string): ClientStorage {
    const own = cursorAt(3, `user:${user}`);
    const action = { id: 'a', status: 'pending', done: false, resource: { type: 'messages', id: 'm' }, cursor: own };
    const intent = { idempotencyKey: 'k', type: 'messages.create', resourceId: 'm', payload: {}, submittedAt: '' };
    const storage = memoryStorage();
    const cursors = [own, cursorAt(7, 'everyone'), cursorAt(5, ROOM)];
    storage.write(JSON.stringify({ version: 1, cursors, pending: [{ ...intent, action }] }));
    return storage;
  }

  it.each([
    ['takes nothing of it', 'bob', { pending: 0, handshake: [], room: undefined, kept: [0] }],
    ['has it all when it is the same', 'alice', { pending: 1, handshake: [3, 7], room: 5, kept: [3, 7, 5] }],
  ])('%s: %s', async (_, before, expected) => {
    const rooms: (string | undefined)[] = [];
    const { handshakes, clientOf } = await sceneOf([cursorAt(0)], (socket) => {
      socket.on('subscribe', ({ cursor }: { cursor?: string }, answer: (value: object) => void) => {
        rooms.push(cursor);
        answer(NO);
      });
    });
    const storage = memoryOf(before);
    const client = clientOf({ storage, token: () => tokenOf('alice') });
    const [pending] = client.pending;
    await client.connect();
    expect(client.pending).toHaveLength(expected.pending);
    expect(handshakes[0]!.map(offsetOf)).toEqual(expected.handshake);
    await expect.poll(() => keptIn(storage)).toEqual(expected.kept);
    await client.subscribe(ROOM).ended;
    expect(rooms.map((cursor) => cursor && offsetOf(cursor))).toEqual([expected.room]);
    client.close();
    await expect(pending!.outcome()).rejects.toMatchObject({ code: 'CLOSED' });
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

describe('what waited where nobody listens any more', () => {
  /** Hears outcomes, and stops at the third. */
  const stops: Record<string, (client: TidingsClient) => () => Promise<void>> = {
    'in a loop that is left': (client) => {
      const outcomes = client.outcomes();
      return async () => {
        for await (const { offset } of outcomes) if (offset === 3) break;
      };
    },
    'in a loop that fails': (client) => {
      const outcomes = client.outcomes();
      return async () => {
        const loop = async (): Promise<void> => {
          for await (const { offset } of outcomes) if (offset === 3) throw new Error('third');
        };
        await expect(loop()).rejects.toThrow('third');
      };
    },
    'for a listener that is taken away': (client) => {
      const begin = Promise.withResolvers<void>();
      const third = Promise.withResolvers<void>();
      const end = client.on('outcome', async ({ offset }) => {
        await begin.promise;
        if (offset < 3) return;
        end();
        third.resolve();
      });
      return () => {
        begin.resolve();
        return third.promise;
      };
    },
  };

  const cases = Object.entries(stops).flatMap(([name, stop]) => [
    { name, stop, others: 0, kept: 3, again: ['4', '5', '6', '7', '8', '9', '10', '11', '12', '13'] },
    { name, stop, others: 1, kept: 12, again: ['13'] },
  ]);

  it.each(cases)('$name: comes again after a restart, unless others heard it: $others', async (scene) => {
    let last = 10;
    const reports: number[][] = [];
    const { clientOf } = await sceneOf([cursorAt(0)], (socket, [cursor]) => {
      const told: number[] = [];
      reports.push(told);
      socket.on('delivered', (report: { cursor: string }) => told.push(offsetOf(report.cursor)));
      socket.on('mirror', (_event, answer: (value: object) => void) => {
        socket.emit('outcome', outcome((last += 1)));
        answer({ ok: true });
      });
      for (let offset = offsetOf(cursor!) + 1; offset <= last; offset += 1) socket.emit('outcome', outcome(offset));
    });
    const storage = memoryStorage();
    const first = clientOf({ storage });
    for (let other = 0; other < scene.others; other += 1) first.on('outcome', () => undefined);
    const stop = scene.stop(first);
    await first.connect();
    // Answered behind what came before.
    await first.mirror('more');
    await stop();
    await first.mirror('more');
    first.close();
    expect(keptIn(storage)).toEqual([scene.kept]);

    const next = clientOf({ storage });
    const again: string[] = [];
    next.on('outcome', ({ id }) => again.push(id));
    await next.connect();
    await next.mirror('more');
    expect(again).toEqual(scene.again);
    expect(Math.max(...reports[0]!)).toBeLessThanOrEqual(scene.kept);
  });
});

describe('what waited for a slow listener when the room was left', () => {
  it('comes to who enters it again, and not what was at work', async () => {
    const { clientOf } = await sceneOf([cursorAt(0)], (socket) => {
      socket.on('subscribe', ({ cursor = cursorAt(0, ROOM) }: { cursor?: string }, answer: (value: object) => void) => {
        answer({ ok: true, recovered: true, cursor });
        for (let offset = offsetOf(cursor) + 1; offset <= 4; offset += 1) socket.emit('event', event(offset));
      });
      socket.on('unsubscribe', (_, answer: (value: object) => void) => answer({ ok: true }));
      socket.on('mirror', (_event, answer: (value: object) => void) => answer({ ok: true }));
    });
    const storage = memoryStorage();
    const client = clientOf({ storage });
    await client.connect();
    const heard: string[] = [];
    const finish: (() => void)[] = [];
    const left = client.subscribe(ROOM, async (passing) => {
      heard.push('id' in passing ? passing.id : '');
      await new Promise<void>((resolve) => finish.push(resolve));
    });
    await client.mirror('more');
    finish.shift()!();
    await expect.poll(() => heard).toEqual(['1', '2']);
    left.unsubscribe();
    finish.shift()!();
    await new Promise(setImmediate);
    client.subscribe(ROOM, (passing) => heard.push('id' in passing ? passing.id : ''));
    await client.mirror('more');
    expect(heard).toEqual(['1', '2', '3', '4']);
    client.close();
    expect(keptIn(storage)).toEqual([0, 4]);
  });
});

describe('what waits for a slow listener when its client is closed', () => {
  it.each(['outcome', 'event'] as const)('comes to the next client only: an %s', async (name) => {
    const { clientOf } = await sceneOf([cursorAt(0)], (socket, [cursor]) => {
      const tell = (from: number): void => {
        for (let offset = from + 1; offset <= 3; offset += 1) {
          socket.emit(name, name === 'outcome' ? outcome(offset) : event(offset));
        }
      };
      if (name === 'outcome') tell(offsetOf(cursor!));
      socket.on('subscribe', ({ cursor: at }: { cursor?: string }, answer: (value: object) => void) => {
        answer({ ok: true, recovered: true, cursor: at ?? cursorAt(0, ROOM) });
        if (name === 'event') tell(at === undefined ? 0 : offsetOf(at));
      });
      socket.on('mirror', (_event, answer: (value: object) => void) => answer({ ok: true }));
    });
    const storage = memoryStorage();
    const handled: string[] = [];
    const finish: (() => void)[] = [];
    const hear = (client: TidingsClient, who: string): void => {
      const listener = async (passing: { id: string }): Promise<void> => {
        handled.push(`${who} ${passing.id}`);
        await new Promise<void>((resolve) => finish.push(resolve));
      };
      if (name === 'outcome') client.on('outcome', listener);
      else client.subscribe(ROOM, listener);
    };
    const first = clientOf({ storage });
    hear(first, 'first');
    await first.connect();
    await first.mirror('more');
    finish.shift()!();
    await expect.poll(() => handled).toEqual(['first 1', 'first 2']);
    first.close();
    const next = clientOf({ storage });
    hear(next, 'next');
    await next.connect();
    await next.mirror('more');
    finish.shift()!();
    finish.shift()!();
    await expect.poll(() => handled).toEqual(['first 1', 'first 2', 'next 2', 'next 3']);
  });

  it('leaves no timer behind when the listener ends late, and tells that it failed', async () => {
    const { clientOf } = await sceneOf([cursorAt(0)], (socket) => socket.emit('outcome', outcome(1)));
    const client = clientOf();
    const begun = Promise.withResolvers<void>();
    const finish = Promise.withResolvers<void>();
    const errors: TidingsError[] = [];
    client.on('error', (error) => errors.push(error));
    client.on('outcome', async () => {
      begun.resolve();
      await finish.promise;
      throw new Error('late');
    });
    await client.connect();
    await begun.promise;
    client.close();
    const timers = vi.spyOn(globalThis, 'setTimeout');
    onTestFinished(() => timers.mockRestore());
    finish.resolve();
    await new Promise(setImmediate);
    expect(errors).toMatchObject([{ code: 'LISTENER_FAILED', cause: { message: 'late' } }]);
    // The websocket has one of its own, of 30 s.
    expect(timers.mock.calls.map(([, milliseconds]) => milliseconds)).not.toContain(1_000);
  });
});
