import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { Server, type Socket } from 'socket.io';
import { expect, it, onTestFinished, vi } from 'vitest';
import { decodeCursor, encodeCursor, type OutcomeEnvelope, type ProblemCode, type Session } from '#contracts';
import type { TidingsClient } from '../client.ts';
import { createClient } from '../create-client.ts';
import type { TidingsError } from '../tidings-error.ts';

const CHANNEL = 'user:alice';

/** What the server does with a connection, one after the other, and the last one from then on. */
type Part = { refuse: ProblemCode } | { serve: (socket: Socket, from: number) => void; tokenExpiresAt?: string };

interface Handshake {
  token: string;
  cursors?: string[];
}

interface Scene {
  url: string;
  client: TidingsClient;
  handshakes: Handshake[];
  offsets: number[];
  errors: TidingsError[];
}

function cursorAt(offset: number): string {
  return encodeCursor({ channel: CHANNEL, offset, check: 'a'.repeat(12) });
}

function outcome(offset: number): OutcomeEnvelope {
  const data = { id: `${offset}`, done: true };
  return { id: `${offset}`, channel: CHANNEL, offset, cursor: cursorAt(offset), data } as OutcomeEnvelope;
}

/** A socket server that plays a part for each connection, and a client of it. */
async function sceneOf(parts: Part[], token?: () => string | Promise<string>): Promise<Scene> {
  const http = createServer();
  const io = new Server(http, { transports: ['websocket'] });
  const handshakes: Handshake[] = [];
  const playing = new Map<string, Part>();
  io.use((socket, next) => {
    handshakes.push(socket.handshake.auth as Handshake);
    const part = parts.length > 1 ? parts.shift()! : parts[0]!;
    playing.set(socket.id, part);
    next('refuse' in part ? Object.assign(new Error('no'), { data: { code: part.refuse, detail: 'no' } }) : undefined);
  });
  io.on('connection', (socket) => {
    const part = playing.get(socket.id)!;
    if ('refuse' in part) return;
    const [given] = (socket.handshake.auth as Handshake).cursors ?? [];
    const from = given === undefined ? 0 : decodeCursor(given)!.offset;
    const session: Session = {
      userId: 'alice',
      instance: `socket-${handshakes.length}`,
      recovered: true,
      cursors: [cursorAt(from)],
      tokenExpiresAt: part.tokenExpiresAt ?? null,
    };
    socket.emit('session', session);
    part.serve(socket, from);
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  let made = 0;
  const client = createClient({ baseUrl: url, token: token ?? (() => `token ${(made += 1)}`) });
  const scene: Scene = { url, client, handshakes, offsets: [], errors: [] };
  client.on('outcome', ({ offset }) => scene.offsets.push(offset));
  client.on('error', (error) => scene.errors.push(error));
  onTestFinished(async () => {
    client.close();
    await io.close();
  });
  return scene;
}

/** Sends everything up to an offset. */
function upTo(last: number): Part {
  return {
    serve: (socket, from) => {
      for (let offset = from + 1; offset <= last; offset += 1) socket.emit('outcome', outcome(offset));
    },
  };
}

function send(...offsets: number[]): Part {
  return {
    serve: (socket) => {
      for (const offset of offsets) socket.emit('outcome', outcome(offset));
    },
  };
}

async function expectHeard({ offsets }: Scene, ...wanted: number[]): Promise<void> {
  await expect.poll(() => offsets, { timeout: 5_000 }).toEqual(wanted);
}

it('drops what comes twice', async () => {
  const scene = await sceneOf([send(1, 1, 2, 1, 2, 3)]);
  await scene.client.connect();
  await expectHeard(scene, 1, 2, 3);
  expect(scene.handshakes).toHaveLength(1);
});

it('comes back for what was left out, from the last event before it', async () => {
  const scene = await sceneOf([send(1, 2, 5, 6), upTo(6)]);
  await scene.client.connect();
  await expectHeard(scene, 1, 2, 3, 4, 5, 6);
  expect(scene.handshakes.map(({ cursors }) => cursors)).toEqual([undefined, [cursorAt(2)]]);
});

it('goes on after a gap that nobody can fill', async () => {
  const scene = await sceneOf([send(1, 3, 4)]);
  await scene.client.connect();
  await expectHeard(scene, 1, 3, 4);
  expect(scene.handshakes).toHaveLength(2);
});

it('comes back after the server has disconnected it, or has broken off', async () => {
  const scene = await sceneOf([
    { serve: (socket) => socket.disconnect(true) },
    { serve: (socket) => socket.conn.close() },
    upTo(2),
  ]);
  await scene.client.connect();
  await expectHeard(scene, 1, 2);
  expect(scene.handshakes).toHaveLength(3);
});

it('comes back when a draining server said, and tells so', async () => {
  const scene = await sceneOf([
    { serve: (socket) => socket.emit('goaway', { reason: 'drain', reconnectInMs: 300 }) },
    upTo(1),
  ]);
  const told: unknown[] = [];
  let awayAt = 0;
  scene.client.on('goaway', (goaway) => {
    told.push(goaway);
    awayAt = performance.now();
  });
  await scene.client.connect();
  await expectHeard(scene, 1);
  expect(performance.now() - awayAt).toBeGreaterThan(290);
  expect(told).toEqual([{ reason: 'drain', reconnectInMs: 300 }]);
});

it('does not connect any more when it was disconnected before it had its token', async () => {
  const given = Promise.withResolvers<string>();
  const scene = await sceneOf([upTo(1)], () => given.promise);
  const session = scene.client.connect();
  scene.client.disconnect();
  await expect(session).rejects.toMatchObject({ code: 'CLOSED' });
  given.resolve('token');
  for (let count = 0; count < 10; count += 1) await turn();
  await scene.client.connect();
  await expectHeard(scene, 1);
  expect(scene.handshakes).toHaveLength(1);
});

it('may have its token refused once more after a session that it began with another one', async () => {
  const scene = await sceneOf([
    { refuse: 'TOKEN_EXPIRED' },
    { serve: (socket) => socket.conn.close() },
    { refuse: 'UNAUTHENTICATED' },
    upTo(1),
  ]);
  await scene.client.connect();
  await expectHeard(scene, 1);
  expect(scene.handshakes.map(({ token }) => token)).toEqual(['token 1', 'token 2', 'token 2', 'token 3']);
  expect(scene.errors).toEqual([]);
});

it('brings a fresh token when the old one has expired, at the handshake or later', async () => {
  const scene = await sceneOf([
    { refuse: 'TOKEN_EXPIRED' },
    { serve: (socket) => socket.emit('goaway', { reason: 'token_expired', reconnectInMs: 0 }) },
    upTo(1),
  ]);
  await scene.client.connect();
  await expectHeard(scene, 1);
  expect(scene.handshakes.map(({ token }) => token)).toEqual(['token 1', 'token 2', 'token 3']);
  expect(scene.errors).toEqual([]);
});

it('brings another token when the one that it refreshed with is revoked', async () => {
  const scene = await sceneOf([
    {
      tokenExpiresAt: new Date(Date.now() + 400).toISOString(),
      serve: (socket) => {
        socket.on('refresh', (_, ack) => {
          ack({ ok: true, tokenExpiresAt: new Date(Date.now() + 60_000).toISOString() });
          socket.emit('goaway', { reason: 'revoked', reconnectInMs: 0 });
        });
      },
    },
    upTo(1),
  ]);
  await scene.client.connect();
  await expectHeard(scene, 1);
  expect(scene.handshakes.map(({ token }) => token)).toEqual(['token 1', 'token 3']);
});

it.each(['the token callback', 'the server'])('stays online when %s refuses to refresh the token once', async (who) => {
  const refreshed: string[] = [];
  const expiry = Date.now() + 2_000;
  const part: Part = {
    tokenExpiresAt: new Date(expiry).toISOString(),
    serve: (socket) => {
      socket.on('refresh', ({ token }, ack) => {
        refreshed.push(token);
        const isRefused = who === 'the server' && refreshed.length === 1;
        ack(
          isRefused
            ? { ok: false, problem: { code: 'INTERNAL', detail: 'no' } }
            : { ok: true, tokenExpiresAt: new Date(expiry + 60_000).toISOString() },
        );
      });
    },
  };
  let asked = 0;
  const { client, handshakes } = await sceneOf([part], () => {
    asked += 1;
    if (who === 'the token callback' && asked === 2) throw new Error('no network');
    return `token ${asked}`;
  });
  await client.connect();
  await expect.poll(() => refreshed.at(-1), { timeout: 5_000 }).toBe('token 3');
  expect([client.state, handshakes.length]).toEqual(['online', 1]);
});

it('tries again when the server cannot say who it is', async () => {
  const scene = await sceneOf([{ refuse: 'INTERNAL' }, upTo(1)]);
  await scene.client.connect();
  await expectHeard(scene, 1);
  expect(scene.handshakes.map(({ token }) => token)).toEqual(['token 1', 'token 1']);
});

it('stops when a fresh token is refused, and can be asked again', async () => {
  const scene = await sceneOf([{ refuse: 'UNAUTHENTICATED' }, { refuse: 'UNAUTHENTICATED' }, upTo(1)]);
  await expect(scene.client.connect()).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  expect(scene.client.state).toBe('offline');
  expect(scene.errors).toMatchObject([{ code: 'UNAUTHENTICATED' }]);
  await scene.client.connect();
  await expectHeard(scene, 1);
});

it('tries again when the token callback fails, and tells so', async () => {
  let asked = 0;
  const scene = await sceneOf([upTo(1)], () => {
    asked += 1;
    if (asked === 1) throw new Error('no network');
    return 'token';
  });
  await scene.client.connect();
  await expectHeard(scene, 1);
  expect(scene.errors).toMatchObject([{ code: 'TOKEN_UNAVAILABLE' }]);
});

it('does not come as a guest when the token callback gives none', async () => {
  const given = [undefined as unknown as string, '', 'token'];
  const scene = await sceneOf([upTo(1)], () => given.shift()!);
  await scene.client.connect();
  await expectHeard(scene, 1);
  expect(scene.handshakes.map(({ token }) => token)).toEqual(['token']);
  expect(scene.errors).toMatchObject([{ code: 'TOKEN_UNAVAILABLE' }, { code: 'TOKEN_UNAVAILABLE' }]);
});

it('stops when the token is of another user', async () => {
  const given = ['alice', 'bob'].map((sub) => `e30.${btoa(JSON.stringify({ sub }))}.signature`);
  const [first] = given;
  const leave: Part = { serve: (socket) => socket.emit('goaway', { reason: 'token_expired', reconnectInMs: 0 }) };
  const scene = await sceneOf([leave, upTo(1)], () => given.shift()!);
  await scene.client.connect();
  await expect.poll(() => scene.errors).toMatchObject([{ code: 'UNAUTHENTICATED' }]);
  expect([scene.client.state, scene.handshakes.map(({ token }) => token)]).toEqual(['offline', [first]]);
});

it('stays offline when a listener to a failing token callback hangs up', async () => {
  let asked = 0;
  const { client, handshakes } = await sceneOf([upTo(1)], () => {
    asked += 1;
    if (asked === 1) throw new Error('no network');
    return 'token';
  });
  client.on('error', () => client.close());
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  await expect(client.connect()).rejects.toMatchObject({ code: 'CLOSED' });
  await vi.advanceTimersByTimeAsync(60_000);
  expect([asked, handshakes.length, client.state]).toEqual([1, 0, 'offline']);
});

it('has one connection when a listener to a failing token callback connects anew', async () => {
  let asked = 0;
  const { client, handshakes } = await sceneOf([upTo(1)], () => {
    asked += 1;
    if (asked === 1) throw new Error('no network');
    return 'token';
  });
  const online = new Promise<void>((resolve) => client.on('session', () => resolve()));
  client.on('error', () => {
    client.disconnect();
    void client.connect();
  });
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  client.connect().catch(() => undefined);
  await online;
  await vi.advanceTimersByTimeAsync(1_000);
  expect([asked, handshakes.length, client.state]).toEqual([2, 1, 'online']);
});

it('reports again what was handled when the connection ended before the server took it', async () => {
  const reported: string[] = [];
  const scene = await sceneOf([
    {
      serve: (socket) => {
        socket.on('delivered', () => socket.conn.close());
        socket.emit('outcome', outcome(1));
      },
    },
    {
      serve: (socket) => {
        socket.on('delivered', ({ cursor }, ack) => {
          reported.push(cursor);
          ack({ ok: true });
        });
      },
    },
  ]);
  await scene.client.connect();
  await expect.poll(() => reported, { timeout: 5_000 }).toEqual([cursorAt(1)]);
});

it('gives the session that is, or the next one', async () => {
  const { client, url } = await sceneOf([upTo(0)]);
  const first = await client.connect();
  expect(await client.connect()).toBe(first);
  expect(client.session).toBe(first);
  client.useSocket(url);
  expect([client.state, client.session]).toEqual(['reconnecting', null]);
  const second = await client.connect();
  expect(second.instance).toBe('socket-2');
  expect([client.state, client.session]).toEqual(['online', second]);
});

it('rejects who waits for a session when it is disconnected before', async () => {
  const { client } = await sceneOf([{ refuse: 'INTERNAL' }]);
  const session = client.connect();
  client.disconnect();
  await expect(session).rejects.toMatchObject({ code: 'CLOSED' });
  expect([client.state, client.session]).toEqual(['offline', null]);
});

it('stays offline when a listener to the session hangs up', async () => {
  const { client } = await sceneOf([send(1)]);
  const states: string[] = [];
  client.on('state', (state) => void states.push(state));
  const told = new Promise<void>((resolve) =>
    client.on('session', () => {
      client.disconnect();
      resolve();
    }),
  );
  client.connect().catch(() => undefined);
  await told;
  await new Promise(setImmediate);
  expect(states.at(-1)).toBe('offline');
  expect(client.state).toBe('offline');
});
