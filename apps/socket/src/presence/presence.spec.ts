import { Redis } from 'ioredis';
import { lastValueFrom, type Observable } from 'rxjs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Logger } from '@nestjs/common';
import { ChannelsClient } from '#channels';
import { SocketConfig } from '#config';
import type { EphemeralEnvelope, PresenceChange } from '#contracts';
import { InstanceRegistry } from '#instances';
import { eventually, privateRedis, testRedis, type TestRedis } from '#testing';
import { Presence } from './presence.ts';
import { PresenceStore } from './presence-store.ts';

Logger.overrideLogger(false);

const ROOM = 'room:1';
const PATIENT = { timeoutMs: 25_000 };

const closing: (() => unknown)[] = [];

afterEach(async () => {
  for (let close = closing.pop(); close; close = closing.pop()) await close();
});

interface Instance {
  presence: Presence;
  registry: InstanceRegistry;
  store: PresenceStore;
  /** Ends it like SIGKILL does. */
  die: () => void;
}

async function start({ url, prefix }: TestRedis, instance: string): Promise<Instance> {
  const registry = new InstanceRegistry({ url, prefix, instance, app: 'socket' });
  const store = new PresenceStore(Object.assign(new SocketConfig(), { REDIS_URL: url, REDIS_PREFIX: prefix }));
  const publisher = new ChannelsClient({ url, prefix });
  const presence = new Presence(store, registry, publisher);
  const die = (): void => {
    registry.stop();
    for (const part of [presence, registry, store, publisher]) part.onApplicationShutdown();
  };
  closing.push(die);
  registry.onApplicationBootstrap();
  await eventually(() => expect(registry.bootId).toBeDefined(), PATIENT);
  await eventually(() => expect(publisher.isConnected).toBe(true), PATIENT);
  return { presence, registry, store, die };
}

/** Records what the room is told. */
async function listen({ url, prefix }: TestRedis): Promise<string[]> {
  const told: string[] = [];
  const redis = new Redis(url, { retryStrategy: () => 50 });
  closing.push(() => redis.disconnect());
  redis.on('error', () => undefined);
  redis.on('smessage', (_, text: string) => {
    const { type, data, channel, ...rest } = JSON.parse(
      text.slice('event '.length),
    ) as EphemeralEnvelope<PresenceChange>;
    expect(data.channel).toBe(channel);
    expect(rest).not.toHaveProperty('offset');
    told.push(`${type} ${data.userId}`);
  });
  await redis.ssubscribe(`${prefix}:{${ROOM}}`);
  return told;
}

async function startTwo(redis: TestRedis): Promise<{ a: Instance; b: Instance; told: string[] }> {
  const told = await listen(redis);
  return { a: await start(redis, 'a'), b: await start(redis, 'b'), told };
}

async function redisOfItsOwn() {
  const server = await privateRedis();
  return { server, redis: { url: server.url, prefix: 'own' } };
}

/** Waits until the room was told exactly this, in any order, and begins anew. */
async function heard(told: string[], expected: Record<string, string[]>): Promise<void> {
  const texts = Object.entries(expected).flatMap(([type, users]) =>
    users.map((userId) => `presence.${type} ${userId}`),
  );
  await eventually(() => expect(told.toSorted()).toEqual(texts.toSorted()), PATIENT);
  told.length = 0;
}

/** Waits until all see the same users. */
async function seen(instances: readonly Instance[], users: string[]): Promise<void> {
  await eventually(async () => {
    for (const { presence } of instances) expect(await presence.users(ROOM)).toEqual(users);
  }, PATIENT);
}

describe('presence over several instances', { timeout: 90_000 }, () => {
  it('shows every user once, sorted, and tells of each once', async () => {
    const { a, b, told } = await startTwo(testRedis());
    for (const userId of ['zoe', 'alice', 'alice', 'bob!', 'bob', 'a b/ü']) a.presence.join(ROOM, userId);
    await seen([a, b], ['a b/ü', 'alice', 'bob', 'bob!', 'zoe']);
    b.presence.join(ROOM, 'alice');
    b.presence.join(ROOM, 'carol');
    await seen([a, b], ['a b/ü', 'alice', 'bob', 'bob!', 'carol', 'zoe']);
    await heard(told, { joined: ['a b/ü', 'alice', 'bob', 'bob!', 'carol', 'zoe'] });
    expect(await b.presence.users('room:2')).toEqual([]);
  });

  it('tells that users have left when their last socket anywhere is gone', async () => {
    const { a, b, told } = await startTwo(testRedis());
    for (const { presence } of [a, a, b]) presence.join(ROOM, 'alice');
    b.presence.join(ROOM, 'bob');
    await seen([a, b], ['alice', 'bob']);
    await heard(told, { joined: ['alice', 'bob'] });
    a.presence.leave(ROOM, 'alice');
    a.presence.leave(ROOM, 'alice');
    await eventually(() => expect(a.presence.size).toBe(0), PATIENT);
    // Told after what became of alice here.
    b.presence.leave(ROOM, 'bob');
    await seen([a, b], ['alice']);
    await heard(told, { left: ['bob'] });
    b.presence.leave(ROOM, 'alice');
    b.presence.leave(ROOM, 'alice');
    await seen([a, b], []);
    await heard(told, { left: ['alice'] });
  });

  it('tells nothing of who is back within the grace, here or elsewhere', async () => {
    const { a, b, told } = await startTwo(testRedis());
    for (const userId of ['alice', 'bob', 'witness']) a.presence.join(ROOM, userId);
    await seen([b], ['alice', 'bob', 'witness']);
    await heard(told, { joined: ['alice', 'bob', 'witness'] });
    for (const userId of ['alice', 'bob', 'witness']) a.presence.leave(ROOM, userId);
    a.presence.join(ROOM, 'alice');
    b.presence.join(ROOM, 'bob');
    await eventually(() => expect(a.presence.size).toBe(1), PATIENT);
    await seen([a, b], ['alice', 'bob']);
    await heard(told, { left: ['witness'] });
  });

  it('is right again after an instance has died: no ghost, and not a word of who has another socket', async () => {
    const { a, b, told } = await startTwo(testRedis());
    const third = await start(testRedis(), 'elsewhere');
    for (const userId of ['alice', 'bob', 'carol', 'dave']) a.presence.join(ROOM, userId);
    for (const userId of ['bob', 'erin']) b.presence.join(ROOM, userId);
    await seen([a, b], ['alice', 'bob', 'carol', 'dave', 'erin']);
    await eventually(() => expect(b.registry.isSettled).toBe(true), PATIENT);
    await heard(told, { joined: ['alice', 'bob', 'carol', 'dave', 'erin'] });
    a.die();
    // Back before anyone has noticed.
    b.presence.join(ROOM, 'carol');
    await heard(told, { left: ['alice', 'dave'] });
    expect(await b.presence.users(ROOM)).toEqual(['bob', 'carol', 'erin']);
    expect(await third.presence.users(ROOM)).toEqual([]);
  });

  it('is right again also where nobody else was when an instance died: who comes first tells of it', async () => {
    const { a, b, told } = await startTwo(testRedis());
    a.presence.join(ROOM, 'alice');
    await heard(told, { joined: ['alice'] });
    await eventually(() => expect(b.registry.isSettled).toBe(true), PATIENT);
    a.die();
    await seen([b], []);
    b.presence.join(ROOM, 'bob');
    await heard(told, { joined: ['bob'], left: ['alice'] });
  });

  it('is not taken for that of a dead instance where one has just begun', async () => {
    const redis = testRedis();
    const told = await listen(redis);
    const b = await start(redis, 'b');
    await eventually(() => expect(b.registry.isSettled).toBe(true), PATIENT);
    const entries = b.store.entries.bind(b.store);
    const begun = Promise.withResolvers<void>();
    // The first who come have the room cleared, while another instance begins.
    b.store.entries = async (channel) => {
      b.store.entries = entries;
      const { presence } = await start(redis, 'new');
      presence.join(ROOM, 'carol');
      const found = await eventually(async () => {
        const all = await entries(channel);
        expect(all.map(({ userId }) => userId)).toContain('carol');
        return all;
      }, PATIENT);
      begun.resolve();
      return found;
    };
    const alive = vi.spyOn(b.registry, 'alive');
    b.presence.join(ROOM, 'bob');
    await begun.promise;
    await eventually(() => expect(alive).toHaveBeenCalled());
    await Promise.all(alive.mock.results.map(({ value }) => value as Promise<unknown>));
    await seen([b], ['bob', 'carol']);
    await heard(told, { joined: ['bob', 'carol'] });
  });

  it.each<[string, { isSettled: boolean; alive: (own: string) => string[] }]>([
    ['by one that has just begun: others may be about to begin anew', { isSettled: false, alive: (own) => [own] }],
    ['when Redis knows of no instance at all', { isSettled: true, alive: () => [] }],
  ])('is not taken for that of a dead instance %s', async (_, { isSettled, alive }) => {
    const { a, b, told } = await startTwo(testRedis());
    b.presence.join(ROOM, 'alice');
    await heard(told, { joined: ['alice'] });
    vi.spyOn(a.registry, 'isSettled', 'get').mockReturnValue(isSettled);
    vi.spyOn(a.registry, 'alive').mockResolvedValue(new Set(alive(a.registry.bootId!)));
    a.presence.join(ROOM, 'bob');
    // Whatever the first one had sent by then was sent before.
    for (let trips = 0; trips < 3; trips += 1) await a.presence.users(ROOM);
    a.presence.join(ROOM, 'witness');
    await heard(told, { joined: ['bob', 'witness'] });
    expect(await a.store.entries(ROOM)).toHaveLength(3);
  });

  it('is kept as long as somebody is there, and brought again without a word where Redis had lost it', async () => {
    const redis = testRedis();
    const told = await listen(redis);
    const { registry, store } = await start(redis, 'a');
    const publisher = new ChannelsClient(redis);
    closing.push(() => publisher.onApplicationShutdown());
    await eventually(() => expect(publisher.isConnected).toBe(true), PATIENT);
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    closing.push(() => vi.useRealTimers());
    const presence = new Presence(store, registry, publisher);
    closing.push(() => presence.onApplicationShutdown());
    presence.join('room:left', 'alice');
    presence.join(ROOM, 'alice');
    await heard(told, { joined: ['alice'] });
    presence.leave('room:left', 'alice');
    await eventually(() => expect(presence.size).toBe(1), PATIENT);
    const admin = new Redis(redis.url);
    closing.push(() => admin.disconnect());
    const [key, left] = [ROOM, 'room:left'].map((channel) => `${redis.prefix}:presence:{${channel}}`) as [
      string,
      string,
    ];
    await admin.zadd(left, 0, `bob ${registry.bootId}`);
    for (const each of [left, key]) expect(await admin.pexpire(each, 100_000)).toBe(1);
    vi.advanceTimersByTime(60_000);
    await eventually(async () => expect(await admin.pttl(key)).toBeGreaterThan(1_000_000), PATIENT);
    expect(await admin.pttl(left)).toBeLessThanOrEqual(100_000);
    await admin.del(key);
    vi.advanceTimersByTime(60_000);
    await eventually(async () => expect(await presence.users(ROOM)).toEqual(['alice']), PATIENT);
    presence.join(ROOM, 'bob');
    await heard(told, { joined: ['bob'] });
  });

  it('is brought again without a word after Redis was emptied', async () => {
    const { redis } = await redisOfItsOwn();
    const { a, b, told } = await startTwo(redis);
    for (const userId of ['alice', 'bob']) a.presence.join(ROOM, userId);
    for (const userId of ['bob', 'carol']) b.presence.join(ROOM, userId);
    await seen([a, b], ['alice', 'bob', 'carol']);
    await heard(told, { joined: ['alice', 'bob', 'carol'] });
    const others = Array.from({ length: 120 }, (_, index) => `room:other ${index}`);
    for (const other of others) a.presence.join(other, 'alice');
    const inOthers = async (): Promise<void> => {
      for (const other of others) expect(await b.presence.users(other)).toEqual(['alice']);
    };
    await eventually(inOthers, PATIENT);
    const admin = new Redis(redis.url);
    closing.push(() => admin.disconnect());
    await admin.flushall();
    await seen([a, b], ['alice', 'bob', 'carol']);
    await eventually(inOthers, PATIENT);
    await eventually(() => expect([a, b].map(({ registry }) => registry.isSettled)).toEqual([true, true]), PATIENT);
    a.presence.join(ROOM, 'dave');
    await heard(told, { joined: ['dave'] });
  });

  it('goes on when it cannot be told', async () => {
    const { registry, store } = await start(testRedis(), 'a');
    const publisher = new ChannelsClient({ url: 'redis://127.0.0.1:1', prefix: 'none' });
    const presence = new Presence(store, registry, publisher);
    closing.push(
      () => presence.onApplicationShutdown(),
      () => publisher.onApplicationShutdown(),
    );
    const emit = vi.spyOn(publisher, 'emit');
    presence.join(ROOM, 'alice');
    await eventually(() => expect(emit).toHaveBeenCalled(), PATIENT);
    await expect(lastValueFrom(emit.mock.results[0]!.value as Observable<unknown>)).rejects.toThrow(
      /writeable|closed/i,
    );
    expect(await presence.users(ROOM)).toEqual(['alice']);
  });

  it('is made good where single commands did not reach Redis', async () => {
    const { a, b, told } = await startTwo(testRedis());
    a.presence.join(ROOM, 'alice');
    await heard(told, { joined: ['alice'] });
    for (const command of ['add', 'remove'] as const) {
      const usual = a.store[command].bind(a.store);
      a.store[command] = () => {
        a.store[command] = usual;
        return Promise.reject(new Error('cut'));
      };
    }
    a.presence.join(ROOM, 'bob');
    await seen([a, b], ['alice', 'bob']);
    await heard(told, { joined: ['bob'] });
    a.presence.leave(ROOM, 'bob');
    await seen([a, b], ['alice']);
    expect(a.presence.size).toBe(1);
  });

  it('survives a Redis that is killed and started again, and makes good what was missed', async () => {
    const { server, redis } = await redisOfItsOwn();
    const { a, b, told } = await startTwo(redis);
    for (const userId of ['alice', 'bob']) a.presence.join(ROOM, userId);
    b.presence.join(ROOM, 'carol');
    await seen([a, b], ['alice', 'bob', 'carol']);
    await heard(told, { joined: ['alice', 'bob', 'carol'] });
    await server.kill();
    await expect(a.presence.users(ROOM)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    a.presence.join(ROOM, 'dave');
    a.presence.leave(ROOM, 'bob');
    await eventually(() => expect(a.presence.size).toBe(2), PATIENT);
    await server.start();
    await seen([a, b], ['alice', 'carol', 'dave']);
    await eventually(() => expect(told).toContain('presence.left bob'), PATIENT);
    expect(told.filter((text) => /alice|carol/.test(text))).toEqual([]);
  });

  it('cannot be told, and holds nobody up, while Redis hangs', async () => {
    const { server, redis } = await redisOfItsOwn();
    const { a, b } = await startTwo(redis);
    a.presence.join(ROOM, 'alice');
    await seen([b], ['alice']);
    await server.kill('SIGSTOP');
    await expect(a.presence.users(ROOM)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    b.presence.join(ROOM, 'bob');
    await server.kill('SIGCONT');
    await seen([a, b], ['alice', 'bob']);
  });
});
