import v8 from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { testRedis } from '#testing';
import { connectRedis } from './connect-redis.ts';

const redis = testRedis();

interface Echoing {
  echoArgument: (key: string, argument: string) => Promise<string>;
}

let connection: Redis & Echoing;

beforeAll(() => {
  connection = connectRedis(redis.url, { name: 'short-lived-commands.spec' }) as Redis & Echoing;
  connection.defineCommand('echoArgument', { numberOfKeys: 1, lua: 'return ARGV[1]' });
});

afterAll(() => connection.disconnect());

/** Bytes that only a full collection would look at. */
function oldBytes(): number {
  return v8.getHeapSpaceStatistics().find((space) => space.space_name === 'old_space')!.space_used_size;
}

describe('Commands', () => {
  it('are collected with the young once they are answered, scripts too', async () => {
    v8.setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as (options?: { type: 'minor' }) => void;
    const commands = 4_000;
    const bytes = 2_000;
    const key = `${redis.prefix}:short-lived`;
    const send = async (): Promise<void> => {
      for (let count = 0; count < commands; count += 1) {
        await connection.echo(`${count}`.padEnd(bytes));
        await connection.echoArgument(key, `${count}`.padEnd(bytes));
      }
      collect({ type: 'minor' });
      collect({ type: 'minor' });
    };
    await send();
    collect();
    const kept: number[] = [];
    // On a busy machine some grow old while they wait for their answer.
    for (let round = 0; round < 3; round += 1) {
      const before = oldBytes();
      await send();
      kept.push(oldBytes() - before);
    }
    expect(Math.min(...kept)).toBeLessThan((commands * bytes) / 4);
  });

  it('send a script again when the server has lost it', async () => {
    const key = `${redis.prefix}:script`;
    await expect(connection.echoArgument(key, 'first')).resolves.toBe('first');
    await connection.script('FLUSH');
    await expect(connection.echoArgument(key, 'second')).resolves.toBe('second');
    await expect(connection.echoArgument(key, 'third')).resolves.toBe('third');
  });

  it('are rejected with what the server says', async () => {
    await expect(connection.call('NONSENSE')).rejects.toThrow(/unknown command/);
    await expect(connection.hset(`${redis.prefix}:hash`, { field: 'value' })).resolves.toBe(1);
  });
});
