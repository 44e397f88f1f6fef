import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import {
  connect,
  ConnectionRefused,
  eventually,
  startSystem,
  type Listener,
  type System,
  type TestUser,
} from '#testing';
import { ackOf } from './audiences/ack.ts';

const MOST_EVENTS = 20;
const MOST_CONNECTIONS = 3;
const MOST_BYTES = 50_000;
const MOST_REQUESTS = 8;

let system: System;

beforeAll(async () => {
  system = await startSystem({
    sockets: 1,
    workers: 0,
    env: {
      RATE_LIMIT_EVENTS: String(MOST_EVENTS),
      RATE_LIMIT_BYTES: String(MOST_BYTES),
      RATE_LIMIT_PER_USER: String(MOST_REQUESTS),
      MOST_CONNECTIONS_PER_USER: String(MOST_CONNECTIONS),
    },
  });
});

const send = (listener: Listener): Promise<unknown> => ackOf(listener, 'mirror', { event: 'typing', data: 1 });

describe('the limit of events', () => {
  it('is of a user, over all connections: what goes beyond is acked, and nobody else is concerned', async () => {
    const [alice, bob] = await Promise.all([system.user('alice'), system.user('bob')]);
    const [socket] = system.sockets;
    const [first, second, bobs] = [
      await alice.connect(socket!),
      await alice.connect(socket!),
      await bob.connect(socket!),
    ];
    const answers: unknown[] = [];
    for (let event = 0; event < MOST_EVENTS; event += 1) answers.push(await send(event % 2 === 0 ? first : second));
    expect(answers).toEqual(answers.map(() => ({ ok: true })));
    expect(await send(first)).toMatchObject({ ok: false, problem: { code: 'RATE_LIMITED', status: 429 } });
    expect(await send(bobs)).toEqual({ ok: true });
    expect(first.socket.connected).toBe(true);
  });

  it('is of the user for who came as a guest, too, once it has shown a token', async () => {
    const dan = await system.user('dan');
    const [socket] = system.sockets;
    const [guest, other] = [await connect(socket!.url), await dan.connect(socket!)];
    expect(await ackOf(guest, 'refresh', { token: dan.token })).toMatchObject({ ok: true });
    const answers = await Promise.all(Array.from({ length: MOST_EVENTS }, () => send(guest)));
    expect(answers).toEqual(answers.map(() => ({ ok: true })));
    expect(await send(other)).toMatchObject({ ok: false, problem: { code: 'RATE_LIMITED' } });
  });

  it('cuts off who goes on all the same, and the instance lives', async () => {
    const carol = await system.user('carol');
    const listener = await carol.connect(system.sockets[0]!, { reconnects: false });
    for (let event = 0; event < 10 * MOST_EVENTS; event += 1)
      listener.socket.emit('mirror', { event: 'x', data: event });
    await eventually(() => expect(listener.socket.connected).toBe(false));
    system.assertUnharmed();
  });
});

describe('the limit of bytes', () => {
  it('is of a user, over all connections, and refuses what goes beyond', async () => {
    const [erin, frank] = await Promise.all([system.user('erin'), system.user('frank')]);
    const [socket] = system.sockets;
    const [first, second, franks] = [
      await erin.connect(socket!),
      await erin.connect(socket!),
      await frank.connect(socket!),
    ];
    const large = { event: 'draw', data: 'x'.repeat(MOST_BYTES / 4 - 200) };
    for (const listener of [first, second, first, second]) {
      expect(await ackOf(listener, 'mirror', large)).toEqual({ ok: true });
    }
    expect(await ackOf(second, 'mirror', large)).toMatchObject({
      ok: false,
      problem: { code: 'RATE_LIMITED', detail: expect.stringContaining(`${MOST_BYTES} bytes`) },
    });
    expect(await ackOf(franks, 'mirror', large)).toEqual({ ok: true });
    expect(first.socket.connected).toBe(true);
  });
});

describe('the limits of event streams', () => {
  const open = ({ token }: TestUser, abort: AbortController): Promise<Response> =>
    fetch(`${system.sockets[0]!.url}/v1/outcomes/stream`, {
      headers: { authorization: `Bearer ${token}` },
      signal: abort.signal,
    });

  it('count them with the sockets of their user', async () => {
    const grace = await system.user('grace');
    const abort = new AbortController();
    for (let count = 0; count < MOST_CONNECTIONS - 1; count += 1) expect((await open(grace, abort)).status).toBe(200);
    await grace.connect(system.sockets[0]!);
    const refused = await open(grace, abort);
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await refused.json()).toMatchObject({ code: 'RATE_LIMITED' });
    await expect(grace.connect(system.sockets[0]!)).rejects.toThrow(ConnectionRefused);
    abort.abort();
    await eventually(() => grace.connect(system.sockets[0]!));
  });

  it('count how often they are opened as requests of their user', async () => {
    const heidi = await system.user('heidi');
    const statuses: number[] = [];
    for (let count = 0; count <= MOST_REQUESTS; count += 1) {
      const abort = new AbortController();
      statuses.push(await eventually(async () => (await open(heidi, abort)).status));
      abort.abort();
    }
    expect(statuses[0]).toBe(200);
    expect(statuses.at(-1)).toBe(429);
    const { headers } = await open(heidi, new AbortController());
    expect(headers.get('ratelimit')).toMatch(/^"user";r=0;t=\d+$/);
  });
});

describe('the limit of connections', () => {
  it('refuses one more of the same user, until one of them is closed', async () => {
    const dave: TestUser = await system.user('dave');
    const [socket] = system.sockets;
    const open: Listener[] = [];
    for (let count = 0; count < MOST_CONNECTIONS; count += 1) open.push(await dave.connect(socket!));
    const refusal = await dave.connect(socket!).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(ConnectionRefused);
    expect((refusal as ConnectionRefused).problem).toMatchObject({ code: 'RATE_LIMITED' });
    open[0]!.close();
    await eventually(() => dave.connect(socket!));
  });
});

describe('the limit of an address', () => {
  it('refuses more connections, of guests too, and of each client behind a balancer alone', async () => {
    const most = 5;
    const { url } = await system.add('socket', { RATE_LIMIT_PER_ADDRESS: String(most), TRUSTED_PROXIES: '127.0.0.1' });
    const connectFrom = (address: string): Promise<unknown> =>
      connect(url, { headers: { 'x-forwarded-for': address }, reconnects: false }).then(
        () => 'connected',
        () => 'refused',
      );
    const answers: unknown[] = [];
    for (let count = 0; count <= most; count += 1) answers.push(await connectFrom('192.0.2.1'));
    expect(answers).toEqual([...Array.from({ length: most }, () => 'connected'), 'refused']);
    expect(await connectFrom('192.0.2.2')).toBe('connected');
  });
});

describe('one connection', () => {
  /** A client of its own making. */
  async function open(url = system.sockets[0]!.url): Promise<{ said: string[]; socket: WebSocket }> {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket`);
    const said: string[] = [];
    socket.addEventListener('message', ({ data }) => said.push(data as string));
    await eventually(() => expect(said).toHaveLength(1));
    onTestFinished(() => socket.close());
    return { said, socket };
  }

  const begun = (said: readonly string[]): number => said.filter((packet) => packet.startsWith('40')).length;

  it('has one session, however many are begun at once', async () => {
    const { said, socket } = await open();
    for (let count = 0; count < 200; count += 1) socket.send('40');
    await eventually(() => expect(socket.readyState).toBe(WebSocket.CLOSED));
    expect(begun(said)).toBeLessThanOrEqual(1);
  });

  it('is closed when it has had no session for a while', async () => {
    const { url } = await system.add('socket', { CONNECT_TIMEOUT_MS: '500' });
    const { said, socket } = await open(url);
    socket.send('40');
    await eventually(() => expect(begun(said)).toBe(1));
    socket.send('41');
    await eventually(() => expect(socket.readyState).toBe(WebSocket.CLOSED));
  });

  it('is cut off when it sends on and on what is no event', async () => {
    const { said, socket } = await open();
    socket.send('40');
    await eventually(() => expect(begun(said)).toBe(1));
    await eventually(() => {
      socket.send(`430["${'x'.repeat(60_000)}"]`);
      expect(socket.readyState).toBe(WebSocket.CLOSED);
    });
  });
});
