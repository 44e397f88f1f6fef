import { Redis } from 'ioredis';
import { expect, it, onTestFinished } from 'vitest';
import { SocketConfig } from '#config';
import { eventually, testRedis } from '#testing';
import { PresenceStore } from './presence-store.ts';

const ROOM = 'room:1';

async function open() {
  const { url, prefix } = testRedis();
  const store = new PresenceStore(Object.assign(new SocketConfig(), { REDIS_URL: url, REDIS_PREFIX: prefix }));
  const redis = new Redis(url);
  onTestFinished(() => {
    store.onApplicationShutdown();
    redis.disconnect();
  });
  await eventually(() => store.entries(ROOM));
  return { store, lifeMs: () => redis.pttl(`${prefix}:presence:{${ROOM}}`) };
}

it('the last entry of a user is taken once, by whoever comes first', async () => {
  const { store } = await open();
  expect(await store.add(ROOM, 'one', ['alice'])).toEqual(['alice']);
  expect(await store.add(ROOM, 'two', ['alice', 'bob'])).toEqual(['bob']);
  expect(await store.purge(ROOM, ['two'])).toEqual(['bob']);
  expect(await store.remove(ROOM, 'two', ['bob', 'alice'])).toEqual([]);
  expect(await store.remove(ROOM, 'one', ['alice'])).toEqual(['alice']);
  expect(await store.remove(ROOM, 'one', ['alice'])).toEqual([]);
});

it('a channel that nobody refreshes is forgotten in the end', async () => {
  const { store, lifeMs } = await open();
  await store.add(ROOM, 'one', ['alice']);
  expect(await lifeMs()).toBeGreaterThan(0);
});
