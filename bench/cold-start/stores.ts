import { randomBytes } from 'node:crypto';
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { SignJWT } from 'jose';
import { DATA } from '../../infra/local/data-folder.ts';
import { startPostgres } from '../../infra/local/postgres.ts';
import { startRedis } from '../../infra/local/redis.ts';
import { runCommand } from '../../infra/local/run-command.ts';
import { ROOT } from '../../infra/local/run-tool.ts';

/** A Redis and a migrated Postgres. */
export interface BenchStores {
  /** What a function needs to use them, and a `TOKEN` that it accepts. */
  env: NodeJS.ProcessEnv;
  stop: () => Promise<void>;
}

export async function startBenchStores(): Promise<BenchStores> {
  await mkdir(DATA, { recursive: true });
  const folder = await mkdtemp(join(DATA, 'bench-'));
  await chmod(folder, 0o755);
  const [redis, postgres] = await Promise.all([
    startRedis({ folder: join(folder, 'redis') }),
    startPostgres({ folder: join(folder, 'postgres') }),
  ]);
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
    TOKEN: await new SignJWT()
      .setProtectedHeader({ alg: 'HS256' })
      .setSubject('alice')
      .setIssuer('tidings')
      .setAudience('tidings')
      .setIssuedAt()
      .setExpirationTime('1h')
      .sign(new TextEncoder().encode(secret)),
  };
  await runCommand(process.execPath, [join(ROOT, 'dist/apps/worker/src/migrate.js')], {
    env: { ...process.env, ...env },
  });
  const stop = async (): Promise<void> => {
    await Promise.all([redis.stop(), postgres.stop()]);
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    if (!postgres.folder.startsWith(folder)) await rm(postgres.folder, { recursive: true, force: true });
  };
  return { env, stop };
}
