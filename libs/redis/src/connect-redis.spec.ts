import { afterEach, describe, expect, it } from 'vitest';
import { eventually, FaultyProxy, testRedis } from '#testing';
import { connectRedis } from './index.ts';

const PATIENT = { timeoutMs: 30_000 };

const closing: (() => void)[] = [];

afterEach(() => {
  for (let close = closing.pop(); close; close = closing.pop()) close();
});

describe('a connection to Redis', { timeout: 60_000 }, () => {
  it.each([
    ['that fails fast', { deadlineMs: 500 }],
    ['that waits', {}],
  ])('%s is replaced when nothing comes on it any more, without a word', async (_, settings) => {
    const network = await FaultyProxy.start(testRedis().url);
    const redis = connectRedis(network.url, { name: 'half-open', ...settings });
    closing.push(() => redis.disconnect());
    await eventually(() => redis.ping(), PATIENT);
    const before = network.opened;
    network.hang();
    redis.ping().catch(() => undefined);
    await eventually(() => expect(network.opened).toBeGreaterThan(before), PATIENT);
    network.heal();
    await eventually(() => redis.ping(), PATIENT);
  });
});
