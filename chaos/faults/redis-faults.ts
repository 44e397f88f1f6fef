import { setTimeout as delay } from 'node:timers/promises';
import type { PlannedFault } from '../schedule/schedule.ts';
import type { Stage } from '../stage/stage.ts';
import { assertDead, type Fault } from './fault.ts';

async function kill({ redis }: Stage, { holdMs }: PlannedFault): Promise<string> {
  const pid = await redis.kill();
  try {
    assertDead(pid);
    if (await redis.answers()) throw new Error('Redis answers');
    await delay(holdMs);
  } finally {
    await redis.start();
  }
  return `Redis (${pid}) was dead for ${holdMs} ms`;
}

async function empty({ redis }: Stage, { holdMs }: PlannedFault): Promise<string> {
  const { before, after } = await redis.empty();
  if (before === 0 || after >= before) throw new Error(`Redis had ${before} keys, and has ${after}`);
  await delay(holdMs);
  return `of ${before} keys in Redis ${after} were left`;
}

async function hang({ redis }: Stage, { holdMs }: PlannedFault): Promise<string> {
  await redis.freeze();
  try {
    if (await redis.answers()) throw new Error('Redis answers');
    await delay(holdMs);
  } finally {
    await redis.thaw();
  }
  return `Redis did not answer for ${holdMs} ms`;
}

async function rollBack({ redis }: Stage, { holdMs }: PlannedFault): Promise<string> {
  await redis.backUp();
  await delay(holdMs);
  const { pid, keys } = await redis.rollBack();
  assertDead(pid);
  if (keys === 0) throw new Error('the restored Redis is empty');
  return `Redis (${pid}) is dead, and came back with the ${keys} keys that it had ${holdMs} ms before`;
}

async function fillUp({ redis }: Stage, { holdMs }: PlannedFault): Promise<string> {
  try {
    const error = await redis.fillUp();
    await delay(holdMs);
    return `Redis refused to store for ${holdMs} ms: ${error}`;
  } finally {
    await redis.makeRoom();
  }
}

export const REDIS_FAULTS: readonly Fault[] = [
  { name: 'redis-killed', targets: ['redis', 'messages'], holdMs: [0, 5_000], strike: kill },
  { name: 'redis-emptied', targets: ['redis'], holdMs: [0, 500], strike: empty },
  { name: 'redis-hung', targets: ['redis', 'messages'], holdMs: [2_000, 7_000], strike: hang },
  { name: 'redis-rolled-back', targets: ['redis', 'messages'], holdMs: [1_000, 4_000], strike: rollBack },
  { name: 'redis-full', targets: ['redis'], holdMs: [2_000, 6_000], strike: fillUp },
];
