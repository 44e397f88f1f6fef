import { Redis } from 'ioredis';
import { expect, it, onTestFinished } from 'vitest';
import { eventually, migrate, privateRedis, testDatabase, JWT_SECRET } from '#testing';
import { AppProcess } from '../../infra/local/app-process.ts';
import { freePort } from '../../infra/local/ports.ts';

const PASSWORD = 'not-the-one-of-Redis';

it.each(['api', 'worker', 'socket'] as const)(
  'a Redis password that is wrong is told by the %s, and not shown',
  { timeout: 60_000 },
  async (app) => {
    const redis = await privateRedis();
    const client = new Redis(redis.url);
    await client.config('SET', 'requirepass', 'the-one-of-Redis');
    client.disconnect();
    const { url: DATABASE_URL } = await testDatabase({ name: 'redis-password', migrate });
    const REDIS_URL = redis.url.replace('://', `://:${PASSWORD}@`);
    const env = { NODE_ENV: 'test', JWT_SECRET, DATABASE_URL, REDIS_URL };
    const process = new AppProcess({ app, instance: app, port: await freePort(), env });
    onTestFinished(() => process.kill());
    const started = process.start().catch(() => undefined);
    // Of the queue, of what is published and of the registry: each connection by its name.
    await eventually(() => {
      const refused = process.logs().match(/refuses tidings-\w+: WRONGPASS/g) ?? [];
      expect(new Set(refused).size).toBeGreaterThanOrEqual(3);
      expect(process.logs()).toContain('listens on');
    });
    expect(process.logs()).not.toContain(PASSWORD);
    await process.kill();
    await started;
  },
);
