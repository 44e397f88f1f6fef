import { Redis } from 'ioredis';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { testRedis } from '#testing';
import { BEAT, LIST } from './registry-scripts.ts';

const DEAD_AFTER_MS = 100_000;
const ALL_SILENT_MS = 50_000;

let redis: Redis;
let beats: string;
let statuses: string;
let epoch: string;

beforeEach(() => {
  const { url, prefix } = testRedis();
  [beats, statuses, epoch] = ['beats', 'statuses', 'epoch'].map((name) => `${prefix}:{x}:${name}`) as [
    string,
    string,
    string,
  ];
  redis = new Redis(url);
  onTestFinished(() => redis.disconnect());
});

/** Those whose last beat was so long ago. */
async function beaten(agoMs: Record<string, number>): Promise<void> {
  const [seconds] = await redis.time();
  for (const [boot, ago] of Object.entries(agoMs)) {
    await redis.zadd(beats, Number(seconds) * 1_000 - ago, boot);
    await redis.hset(statuses, boot, `{"id":"${boot}"}`);
  }
}

/** @returns who is alive; undefined when it was struck off itself */
async function beat(boot: string, { enters = false } = {}): Promise<string[] | undefined> {
  const args = [boot, '{}', enters ? '1' : '', '', DEAD_AFTER_MS, ALL_SILENT_MS, `epoch of ${boot}`, 1_000_000];
  const [known, ...alive] = (await redis.eval(BEAT, 3, beats, statuses, epoch, ...args)) as string[];
  return known === undefined ? undefined : alive.toSorted();
}

describe('a heartbeat', () => {
  it('strikes off who is silent while others beat', async () => {
    await beaten({ silent: 100_000, slow: 60_000, other: 40_000, own: 70_000 });
    expect(await beat('own')).toEqual(['other', 'own', 'slow']);
    expect(await redis.hkeys(statuses)).not.toContain('silent');
    expect(await beat('silent')).toBeUndefined();
  });

  it('strikes off nobody when all were silent: it was Redis that was away', async () => {
    await beaten({ other: 1_000_000, own: 60_000 });
    expect(await beat('new', { enters: true })).toEqual(['new', 'other', 'own']);
    // From now on they are waited for as at first.
    expect(await beat('own')).toEqual(['new', 'other', 'own']);
  });

  it('strikes off nobody when the clock has gone back, and counts from now on', async () => {
    await beaten({ ahead: -3_600_000, own: 60_000, other: 200_000 });
    expect(await beat('own')).toEqual(['ahead', 'other', 'own']);
    const [seconds] = await redis.time();
    expect(Number(await redis.zscore(beats, 'ahead'))).toBeLessThan((Number(seconds) + 60) * 1_000);
  });

  it('leaves the epoch as it was, as long as Redis knows it', async () => {
    await beat('first', { enters: true });
    await beat('second', { enters: true });
    expect(await redis.get(epoch)).toBe('epoch of first');
  });

  it('leaves nothing behind for ever', async () => {
    await beat('own', { enters: true });
    for (const key of [beats, statuses]) {
      const life = await redis.pttl(key);
      expect(life).toBeGreaterThan(0);
      expect(life).toBeLessThanOrEqual(DEAD_AFTER_MS);
    }
    expect(await redis.pttl(epoch)).toBeGreaterThan(DEAD_AFTER_MS);
  });
});

it('the list leaves out who is silent, though nobody has struck it off', async () => {
  await beaten({ silent: 110_000, own: 60_000 });
  const answer = (await redis.eval(LIST, 2, beats, statuses, DEAD_AFTER_MS)) as string[];
  expect(answer.filter((_, index) => index % 2 === 1)).toEqual(['{"id":"own"}']);
});
