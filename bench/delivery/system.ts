import { randomBytes } from 'node:crypto';
import { AppProcess, type AppName } from '../../infra/local/app-process.ts';
import { freePort } from '../../infra/local/ports.ts';
import type { PostgresServer } from '../../infra/local/postgres.ts';
import type { RedisServer } from '../../infra/local/redis.ts';
import { signToken } from '../sign-token.ts';
import { migrate, startStores } from '../stores.ts';

const JWT_SECRET = randomBytes(32).toString('hex');

/** A whole system of its own: Redis, Postgres and the apps, as processes. */
export interface BenchSystem {
  database: string;
  postgres: PostgresServer;
  redis: RedisServer;
  api: AppProcess;
  worker: AppProcess;
  sockets: AppProcess[];
  stop: () => Promise<void>;
}

export async function startBenchSystem(sockets: number): Promise<BenchSystem> {
  const stores = await startStores('delivery');
  const { redis, postgres } = stores;
  const env = {
    NODE_ENV: 'test',
    LOG_LEVEL: 'warn',
    RATE_LIMIT_PER_USER: '0',
    RATE_LIMIT_PER_ADDRESS: '0',
    RATE_LIMIT_EVENTS: '0',
    RATE_LIMIT_BYTES: '0',
    JWT_SECRET,
    DATABASE_URL: postgres.url,
    REDIS_URL: redis.url,
  };
  await migrate(env);
  const start = async (app: AppName, instance: string): Promise<AppProcess> =>
    new AppProcess({ app, instance, port: await freePort(), env }).start();
  const api = await start('api', 'api');
  const worker = await start('worker', 'worker');
  const gateways: AppProcess[] = [];
  for (let index = 1; index <= sockets; index += 1) gateways.push(await start('socket', `socket-${index}`));
  const stop = async (): Promise<void> => {
    await Promise.all([api, worker, ...gateways].map((app) => app.kill()));
    await stores.stop();
  };
  return { database: postgres.url, postgres, redis, api, worker, sockets: gateways, stop };
}

/** A token that the apps of the system accept. */
export function tokenOf(user: string, scope = ''): Promise<string> {
  return signToken(JWT_SECRET, user, scope);
}
