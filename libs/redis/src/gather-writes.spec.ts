import type { Duplex } from 'node:stream';
import type { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { testRedis } from '#testing';
import { connectRedis } from './connect-redis.ts';

const { url, prefix } = testRedis();
let connection: Redis;

beforeAll(async () => {
  connection = connectRedis(url, { name: 'gather-writes.spec', gathersWrites: true }) as Redis;
  await connection.ping();
});

afterAll(() => connection.disconnect());

it('what is asked in one moment goes out in one write, and is answered; so does what is asked in the next', async () => {
  const socket = connection.stream as Duplex;
  const [single, several] = [vi.spyOn(socket, '_write'), vi.spyOn(socket, '_writev' as '_write')];
  for (let moment = 1; moment <= 3; moment += 1) {
    const key = `${prefix}:${moment}`;
    const answers = [connection.incr(key), connection.incr(key), connection.incr(key)];
    expect(await Promise.all(answers)).toEqual([1, 2, 3]);
    expect([single.mock.calls.length, several.mock.calls.length]).toEqual([0, moment]);
  }
});
