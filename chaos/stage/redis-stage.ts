import { cp, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { eventually, privateRedis } from '#testing';

/** A Redis, of whatever kind, as faults see it. */
export interface RedisStage {
  /** Where it answers, without any proxy. */
  readonly url: string;
  /** Kills it; gives the number of its process. */
  kill: () => Promise<number>;
  /** Starts it again, and waits until it answers. */
  start: () => Promise<void>;
  /** Stops it without closing anything, until {@link thaw}. */
  freeze: () => Promise<void>;
  thaw: () => Promise<void>;
  /** Drops everything; gives the number of keys there were, and are. */
  empty: () => Promise<{ before: number; after: number }>;
  /** Keeps a copy of its files, to go back to. */
  backUp: () => Promise<void>;
  /** Kills it, starts it with the files of the last copy; gives the number of keys there were then, and are now. */
  rollBack: () => Promise<{ pid: number; keys: number }>;
  /** Lets it store nothing more, until {@link makeRoom}; gives the error with which it refuses. */
  fillUp: () => Promise<string>;
  makeRoom: () => Promise<void>;
  /**
   * The error with which it refuses to store.
   *
   * @throws {Error} when it stores
   */
  refusal: () => Promise<string>;
  /** Whether it answers within a second. */
  answers: () => Promise<boolean>;
}

const ANSWER_MS = 1_000;

/** The one redis-server of a simple installation. */
export async function startRedisStage(folder: string): Promise<RedisStage> {
  const server = await privateRedis({ folder });
  const data = join(folder, 'appendonlydir');
  let copy: string | undefined;

  const ask = async <Answer>(question: (redis: Redis) => Promise<Answer>): Promise<Answer> => {
    const redis = new Redis(server.url, { lazyConnect: true, retryStrategy: null, commandTimeout: ANSWER_MS });
    redis.on('error', () => undefined);
    try {
      await redis.connect();
      return await question(redis);
    } finally {
      redis.disconnect();
    }
  };
  const kill = async (): Promise<number> => {
    const pid = server.pid!;
    await server.kill();
    return pid;
  };
  const start = async (): Promise<void> => void (await server.start());

  return {
    url: server.url,
    kill,
    start,
    freeze: () => server.kill('SIGSTOP'),
    thaw: () => server.kill('SIGCONT'),
    empty: () =>
      ask(async (redis) => {
        const before = await redis.dbsize();
        await redis.flushall();
        return { before, after: await redis.dbsize() };
      }),
    backUp: async () => {
      copy = await mkdtemp(join(folder, 'copy-'));
      // Its files are renamed while they are copied, when it rewrites them.
      await eventually(() => cp(data, copy!, { recursive: true, force: true }));
    },
    rollBack: async () => {
      const pid = await kill();
      await rm(data, { recursive: true });
      await cp(copy!, data, { recursive: true });
      await start();
      return { pid, keys: await ask((redis) => redis.dbsize()) };
    },
    fillUp: () =>
      ask(async (redis) => {
        await redis.config('SET', 'maxmemory', '1mb');
        return refusalOf(redis);
      }),
    makeRoom: () => ask(async (redis) => void (await redis.config('SET', 'maxmemory', '0'))),
    refusal: () => ask(refusalOf),
    answers: () =>
      ask((redis) => redis.ping()).then(
        () => true,
        () => false,
      ),
  };
}

function refusalOf(redis: Redis): Promise<string> {
  return redis.set('chaos', 'x'.repeat(1_000)).then(
    () => Promise.reject(new Error('Redis still stores')),
    (error: Error) => error.message,
  );
}
