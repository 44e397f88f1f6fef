import { Redis } from 'ioredis';
import { setTimeout as delay } from 'node:timers/promises';

/** A private Redis of one process or of many, which can be killed, paused, emptied and started again as a whole. */
export interface RedisInstallation {
  /** What a `REDIS_URL` says. */
  readonly url: string;
  readonly isRunning: boolean;
  start(): Promise<unknown>;
  stop(): Promise<void>;
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** Deletes all data. */
  empty(): Promise<void>;
}

/** Asks one server one thing. */
export async function ask<Answer>({ url }: { url: string }, command: string, ...args: string[]): Promise<Answer> {
  const redis = new Redis(url, {
    lazyConnect: true,
    retryStrategy: () => null,
    enableReadyCheck: false,
    connectTimeout: 2_000,
    commandTimeout: 2_000,
    protocol: 2,
  });
  redis.on('error', () => undefined);
  try {
    return (await redis.call(command, ...args)) as Answer;
  } finally {
    redis.disconnect();
  }
}

/**
 * Waits until something is true.
 *
 * @throws {Error} that names it, when it is not within the time (a minute)
 */
export async function until(what: string, isTrue: () => Promise<boolean>, withinMs = 60_000): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!(await isTrue().catch(() => false))) {
    if (Date.now() > deadline) throw new Error(`${what}: not within ${withinMs / 1000} s`);
    await delay(50);
  }
}

/** Empties servers; replicas follow their masters. */
export async function emptyAll(servers: readonly { url: string }[]): Promise<void> {
  await Promise.all(
    servers.map(async (server) => {
      const [role] = await ask<[string]>(server, 'ROLE');
      if (role === 'master') await ask(server, 'FLUSHALL');
    }),
  );
}
