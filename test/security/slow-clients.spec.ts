import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { beforeAll, describe, expect, it } from 'vitest';
import { eventually, RawSocket, startSystem, type System } from '#testing';

/** The defaults are beyond it. */
const WITHIN = { timeoutMs: 8_000 };
const APPS = ['apis', 'sockets'] as const;

let system: System;

beforeAll(async () => {
  system = await startSystem({
    sockets: 1,
    workers: 0,
    env: {
      HEADERS_TIMEOUT_MS: '400',
      REQUEST_TIMEOUT_MS: '800',
      KEEP_ALIVE_TIMEOUT_MS: '400',
      CONNECT_TIMEOUT_MS: '400',
    },
  });
});

/** A connection on which somebody writes by hand. */
class SlowClient {
  received = '';
  isClosed = false;
  readonly #timers: NodeJS.Timeout[] = [];

  private constructor(private readonly socket: Socket) {
    socket.on('data', (data) => (this.received += data.toString('latin1')));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.isClosed = true;
      for (const timer of this.#timers) clearInterval(timer);
    });
  }

  static async connect(app: (typeof APPS)[number]): Promise<SlowClient> {
    const socket = connect(Number(new URL(system[app][0]!.url).port), '127.0.0.1');
    await once(socket, 'connect');
    return new SlowClient(socket);
  }

  write(text: string): void {
    this.socket.write(text);
  }

  /** Writes a little, again and again. */
  dribble(text: string): void {
    this.#timers.push(setInterval(() => this.socket.write(text), 100).unref());
  }

  closed(): Promise<void> {
    return eventually(() => {
      if (!this.isClosed) throw new Error(`not closed; it got ${JSON.stringify(this.received)}`);
    }, WITHIN);
  }
}

const HEAD = 'POST /v1/messages HTTP/1.1\r\nHost: tidings\r\n';

describe.each(APPS)('of the %s, a client is cut off', (app) => {
  it('that sends nothing, or its head bit by bit', async () => {
    const [silent, slow] = [await SlowClient.connect(app), await SlowClient.connect(app)];
    slow.write(HEAD);
    slow.dribble('X-More: 1\r\n');
    await Promise.all([silent.closed(), slow.closed()]);
    expect(slow.received).toMatch(/^HTTP\/1\.1 408 /);
  });

  it('that sends its body bit by bit', async () => {
    const slow = await SlowClient.connect(app);
    slow.write(`${HEAD}Content-Type: application/json\r\nContent-Length: 50000\r\n\r\n`);
    slow.dribble(' ');
    await slow.closed();
    expect(slow.received).not.toContain(' 202 ');
  });

  it('that keeps its connection and asks nothing any more', async () => {
    const idle = await SlowClient.connect(app);
    idle.write('GET /livez HTTP/1.1\r\nHost: tidings\r\n\r\n');
    await eventually(() => expect(idle.received).toMatch(/^HTTP\/1\.1 200 /));
    await idle.closed();
  });

  it('whose head is too large', async () => {
    const large = await SlowClient.connect(app);
    large.write(`GET /livez HTTP/1.1\r\nHost: tidings\r\nX-Large: ${'x'.repeat(17_000)}\r\n\r\n`);
    await large.closed();
    expect(large.received).toMatch(/^HTTP\/1\.1 431 /);
  });
});

describe('a socket is closed', () => {
  it('that never says who it is', async () => {
    const silent = await RawSocket.open(system.sockets[0]!.url);
    await eventually(() => expect(silent.closed).toBeDefined(), WITHIN);
  });

  it('by long polling too', async () => {
    const polling = `${system.sockets[0]!.url}/socket.io/?EIO=4&transport=polling`;
    const session = await eventually(async () => {
      const [, sid] = /"sid":"([^"]+)"/.exec(await (await fetch(polling)).text()) ?? [];
      expect(sid).toBeDefined();
      // What is polled for is the end, unless it came before the poll.
      const polled = await fetch(`${polling}&sid=${sid}`, { signal: AbortSignal.timeout(WITHIN.timeoutMs) });
      expect(await polled.text()).toBe('1');
      return `${polling}&sid=${sid}`;
    }, WITHIN);
    expect((await fetch(session, { method: 'POST', body: '40' })).status).toBe(400);
  });
});

describe('the limits of time', () => {
  it('leave those alone who listen, and need not speak', async () => {
    const alice = await system.user('alice');
    const abort = new AbortController();
    const headers = { authorization: `Bearer ${alice.token}` };
    const stream = await fetch(`${system.sockets[0]!.url}/v1/outcomes/stream`, { headers, signal: abort.signal });
    const listener = await alice.connect(system.sockets[0]!);
    let isOver = false;
    const read = (async () => {
      for await (const chunk of stream.body!) expect(chunk.length).toBeGreaterThan(0);
    })();
    void read.catch(() => undefined).finally(() => (isOver = true));
    // Both are older than whoever is cut off meanwhile.
    const slow = await SlowClient.connect('sockets');
    slow.write(HEAD);
    slow.dribble('X-More: 1\r\n');
    await slow.closed();
    const idle = await SlowClient.connect('sockets');
    idle.write('GET /livez HTTP/1.1\r\nHost: tidings\r\n\r\n');
    await idle.closed();
    expect([listener.socket.connected, listener.sessions.length, isOver]).toEqual([true, 1, false]);
    abort.abort();
  });
});
