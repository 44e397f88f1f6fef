import { beforeAll, describe, expect, it } from 'vitest';
import type { AcceptedAction } from '#contracts';
import {
  eventually,
  LedgerCheck,
  startNginx,
  startSystem,
  type Listener,
  type Nginx,
  type StartedApp,
  type System,
  type TestUser,
} from '#testing';
import { EventStream } from './delivery/event-stream.ts';
import { heardAll, upTo } from './delivery/sequence.ts';

const USERS = 6;
const ACTIONS_EACH = 10;

let system: System;
let nginx: Nginx;

beforeAll(async () => {
  system = await startSystem({ apis: 2, sockets: 3, env: { TRUSTED_PROXIES: 'loopback' } });
  nginx = await startNginx(system);
});

/** Users who call the api through nginx. */
function usersOf(group: string, count = USERS): Promise<TestUser[]> {
  return Promise.all(Array.from({ length: count }, (_, index) => system.user(`${group}-${index}`, {}, nginx.url)));
}

/** Everyone submits some actions, one after the other. */
async function submit(users: readonly TestUser[], count = ACTIONS_EACH): Promise<AcceptedAction[]> {
  const each = users.map(async (user) => {
    const accepted: AcceptedAction[] = [];
    for (let index = 0; index < count; index += 1) accepted.push(await user.createMessage(`message ${index}`));
    return accepted;
  });
  return (await Promise.all(each)).flat();
}

function instancesOf(listeners: readonly Listener[]): Set<string> {
  return new Set(listeners.map(({ session }) => session.instance));
}

/** Every poll comes from an address of its own, by which nginx tells clients. */
function poll(user: TestUser, index: number): Promise<Listener> {
  return user.connect(nginx, { transports: ['polling'], localAddress: `127.0.1.${index + 1}` });
}

/** What nginx passed to an instance. */
async function requestsTo({ url }: StartedApp): Promise<string[]> {
  const lines = (await nginx.accessLog()).split('\n');
  return lines.filter((line) => line.endsWith(` ${new URL(url).host}`));
}

describe('behind nginx, with two apis and three socket instances,', () => {
  it('websockets go to every instance without stickiness, and submits to every api', async () => {
    const users = await usersOf('websocket');
    const listeners = await Promise.all(users.map((user) => user.connect(nginx)));
    expect(instancesOf(listeners).size).toBe(3);
    await submit(users);
    for (const listener of listeners) await heardAll(listener, ACTIONS_EACH);
    for (const api of system.apis) {
      const requests = await requestsTo(api);
      expect(requests.some((line) => line.includes('POST /v1/messages'))).toBe(true);
    }
  });

  it('polling stays on the instance that has the session', async () => {
    const users = await usersOf('polling', 2 * USERS);
    const listeners = await Promise.all(users.map(poll));
    expect(instancesOf(listeners).size).toBeGreaterThan(1);
    await submit(users);
    for (const listener of listeners) {
      await heardAll(listener, ACTIONS_EACH);
      expect(listener.sessions).toHaveLength(1);
      expect(listener.socket.io.engine.transport.name).toBe('polling');
    }
  });

  it('a connection that begins with polling is upgraded to a websocket', async () => {
    const [user] = await usersOf('upgrade');
    const listener = await user!.connect(nginx, { transports: ['polling', 'websocket'], localAddress: '127.0.2.1' });
    await eventually(() => expect(listener.socket.io.engine.transport.name).toBe('websocket'));
    await submit([user!]);
    await heardAll(listener, ACTIONS_EACH);
    expect(listener.sessions).toHaveLength(1);
  });

  it('event streams are passed on event by event', async () => {
    const users = await usersOf('stream');
    const streams = await Promise.all(users.map(({ token }) => EventStream.open(nginx, { token })));
    expect(new Set(streams.map(({ session }) => session.instance)).size).toBe(3);
    await submit(users);
    for (const stream of streams) {
      await eventually(() => expect(stream.offsets).toEqual(upTo(ACTIONS_EACH)));
      expect(stream.ended).toBe(false);
      stream.close();
    }
  });

  it('tokens, queries and metrics stay inside', async () => {
    expect((await fetch(`${nginx.url}/metrics`)).status).toBe(404);
    const [user] = await usersOf('canary');
    await fetch(`${nginx.url}/v1/messages?token=canary-in-the-query`);
    await submit([user!], 1);
    const log = await eventually(async () => {
      const text = await nginx.accessLog();
      expect(text).toContain('GET /v1/messages');
      return text;
    });
    expect(log).not.toContain('canary-in-the-query');
    expect(log).not.toContain(user!.token);
  });

  it('what ends TLS before it may say so', async () => {
    const head = async (protocol: string): Promise<string | null> => {
      const { headers } = await fetch(`${nginx.url}/livez`, { headers: { 'x-forwarded-proto': protocol } });
      return headers.get('strict-transport-security');
    };
    expect(await head('https')).toContain('max-age');
    expect(await head('nonsense')).toBeNull();
  });

  it('when a socket instance is killed, all of its clients go on at another one', { timeout: 40_000 }, async () => {
    const users = await usersOf('death');
    const listeners = await Promise.all(users.map((user) => user.connect(nginx)));
    const polls = await Promise.all(users.map(poll));
    const streams = await Promise.all(users.map(({ token }) => EventStream.open(nginx, { token })));
    const [victim] = system.sockets;
    const orphans = [...listeners, ...polls].filter(({ session }) => session.instance === victim!.name);
    expect(instancesOf(listeners)).toContain(victim!.name);
    await submit(users, 2);
    for (const stream of streams) await eventually(() => expect(stream.offsets).toEqual([1, 2]));
    const submitting = submit(users, ACTIONS_EACH - 2);
    await victim!.kill();
    for (const orphan of orphans) {
      await eventually(() => expect(orphan.session.instance).not.toBe(victim!.name), { timeoutMs: 20_000 });
    }
    const cut = streams.filter(({ session }) => session.instance === victim!.name);
    expect(cut.length).toBeGreaterThan(0);
    for (const stream of cut) await eventually(() => expect(stream.ended).toBe(true));
    await submitting;
    for (const listener of [...listeners, ...polls]) await heardAll(listener, ACTIONS_EACH);
    for (const { sessions } of [...listeners, ...polls])
      expect(sessions.every(({ recovered }) => recovered)).toBe(true);
    const rests = new Map<EventStream, EventStream>();
    for (const stream of cut) {
      const lastEventId = stream.outcomes.at(-1)!.id!;
      const { token } = users[streams.indexOf(stream)]!;
      rests.set(stream, await EventStream.open(nginx, { token, lastEventId }));
    }
    for (const stream of streams) {
      const heard = (): number[] => [...stream.offsets, ...(rests.get(stream)?.offsets ?? [])];
      await eventually(() => expect(heard()).toEqual(upTo(ACTIONS_EACH)));
    }
    for (const stream of [...streams, ...rests.values()]) stream.close();
  });

  it('when an api is killed, submits go on at the other one', async () => {
    const [user] = await usersOf('api-death');
    const listener = await user!.connect(nginx);
    await system.apis[1]!.kill();
    const accepted = await submit([user!]);
    await listener.outcomesOf(accepted);
    expect(listener.offsets).toEqual(upTo(ACTIONS_EACH));
  });

  it('when no api is left, the answer is a problem that says when to try again', async () => {
    await system.api.kill();
    const [user] = await usersOf('nobody');
    const { status, headers, body } = await user!.call('GET', '/v1/rooms');
    expect({ status, retryAfter: headers.get('retry-after'), type: headers.get('content-type') }).toEqual({
      status: 503,
      retryAfter: '1',
      type: 'application/problem+json',
    });
    expect(body).toMatchObject({ code: 'UNAVAILABLE', status: 503 });
  });

  it('and the ledger is consistent', async () => {
    const ledger = new LedgerCheck(system.database);
    await ledger.settled(10_000);
    expect((await ledger.report()).violations).toEqual([]);
    await ledger.close();
  });
});
