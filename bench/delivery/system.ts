import { randomBytes } from 'node:crypto';
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { SignJWT } from 'jose';
import { AppProcess, type AppName } from '../../infra/local/app-process.ts';
import { DATA } from '../../infra/local/data-folder.ts';
import { freePort } from '../../infra/local/ports.ts';
import { startPostgres, type PostgresServer } from '../../infra/local/postgres.ts';
import { startRedis, type RedisServer } from '../../infra/local/redis.ts';
import { runCommand } from '../../infra/local/run-command.ts';
import { ROOT } from '../../infra/local/run-tool.ts';

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
  await mkdir(DATA, { recursive: true });
  const folder = await mkdtemp(join(DATA, 'bench-'));
  await chmod(folder, 0o755);
  const [redis, postgres] = await Promise.all([
    startRedis({ folder: join(folder, 'redis'), persistent: true }),
    startPostgres({ folder: join(folder, 'postgres') }),
  ]);
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
  await runCommand(process.execPath, [join(ROOT, 'dist/apps/worker/src/migrate.js')], {
    cwd: ROOT,
    env: { ...process.env, ...env },
  });
  const start = async (app: AppName, instance: string): Promise<AppProcess> =>
    new AppProcess({ app, instance, port: await freePort(), env }).start();
  const api = await start('api', 'api');
  const worker = await start('worker', 'worker');
  const gateways: AppProcess[] = [];
  for (let index = 1; index <= sockets; index += 1) gateways.push(await start('socket', `socket-${index}`));
  const stop = async (): Promise<void> => {
    await Promise.all([api, worker, ...gateways].map((app) => app.kill()));
    await Promise.all([redis.stop(), postgres.stop()]);
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    if (!postgres.folder.startsWith(folder)) await rm(postgres.folder, { recursive: true, force: true });
  };
  return { database: postgres.url, postgres, redis, api, worker, sockets: gateways, stop };
}

/** A token that the apps of the system accept. */
export function tokenOf(user: string, scope = ''): Promise<string> {
  return new SignJWT({ scope })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(user)
    .setIssuer('tidings')
    .setAudience('tidings')
    .setIssuedAt()
    .setExpirationTime('1h')
    .sign(new TextEncoder().encode(JWT_SECRET));
}
