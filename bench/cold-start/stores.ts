import { randomBytes } from 'node:crypto';
import { signToken } from '../sign-token.ts';
import { migrate, startStores } from '../stores.ts';

/** A Redis and a migrated Postgres. */
export interface BenchStores {
  /** What a function needs to use them, and a `TOKEN` that it accepts. */
  env: NodeJS.ProcessEnv;
  stop: () => Promise<void>;
}

export async function startBenchStores(): Promise<BenchStores> {
  const { redis, postgres, stop } = await startStores('cold-start');
  const secret = randomBytes(32).toString('hex');
  const env = {
    NODE_ENV: 'production',
    ALLOW_UNPROTECTED_REDIS: 'true',
    ALLOW_UNPROTECTED_POSTGRES: 'true',
    LOG_LEVEL: 'warn',
    JWT_SECRET: secret,
    DATABASE_URL: postgres.url,
    DATABASE_POOL_SIZE: '1',
    REDIS_URL: redis.url,
    TOKEN: await signToken(secret, 'alice'),
  };
  await migrate(env);
  return { env, stop };
}
