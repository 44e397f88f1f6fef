import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DATA } from '../infra/local/data-folder.ts';
import { startPostgres, type PostgresServer } from '../infra/local/postgres.ts';
import { startRedis, type RedisServer } from '../infra/local/redis.ts';
import { runCommand } from '../infra/local/run-command.ts';
import { ROOT } from '../infra/local/run-tool.ts';

/** A Redis and a Postgres of its own, as durable as in production: what a system costs them is then its cost alone. */
export interface Stores {
  redis: RedisServer;
  postgres: PostgresServer;
  stop: () => Promise<void>;
}

/** @param name tells their folder from others */
export async function startStores(name = 'stores'): Promise<Stores> {
  await mkdir(DATA, { recursive: true });
  const folder = await mkdtemp(join(DATA, `bench-${name}-`));
  // So that the user as whom Postgres runs finds the way.
  await chmod(folder, 0o755);
  const [redis, postgres] = await Promise.all([
    startRedis({ folder: join(folder, 'redis'), persistent: true }),
    startPostgres({ folder: join(folder, 'postgres') }),
  ]);
  const stop = async (): Promise<void> => {
    await Promise.all([redis.stop(), postgres.stop()]);
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    if (!postgres.folder.startsWith(folder)) await rm(postgres.folder, { recursive: true, force: true });
  };
  return { redis, postgres, stop };
}

/** Brings the database of an environment to the present schema. */
export async function migrate(env: NodeJS.ProcessEnv): Promise<void> {
  await runCommand(process.execPath, [join(ROOT, 'dist/apps/worker/src/migrate.js')], {
    cwd: ROOT,
    env: { ...process.env, ...env },
  });
}
