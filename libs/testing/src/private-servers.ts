import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { startPostgres, type PostgresOptions, type PostgresServer } from '../../../infra/local/postgres.ts';
import type { RedisProgram } from '../../../infra/local/redis-program.ts';
import { startRedis, type RedisOptions, type RedisServer } from '../../../infra/local/redis.ts';
import { atEndOfFile } from './cleanup.ts';
import { given } from './environment.ts';

/** A Redis that a test may kill, stop, empty and start again; it ends with the test file. */
export async function privateRedis(options: Partial<RedisOptions> = {}): Promise<RedisServer> {
  const program = JSON.parse(given('TEST_REDIS_PROGRAM')) as RedisProgram;
  const server = await startRedis({ folder: await newFolder('redis-'), program, persistent: true, ...options });
  atEndOfFile(() => server.stop());
  return server;
}

/** A Postgres that a test may kill, stop and start again; it ends with the test file. */
export async function privatePostgres(options: Partial<PostgresOptions> = {}): Promise<PostgresServer> {
  const server = await startPostgres({ folder: await newFolder('postgres-'), durable: false, ...options });
  atEndOfFile(async () => {
    await server.stop();
    // It may be elsewhere than asked for: see `placeFor`.
    await rm(server.folder, { recursive: true, force: true, maxRetries: 5 });
  });
  return server;
}

async function newFolder(prefix: string): Promise<string> {
  const folder = await mkdtemp(join(given('TEST_FOLDER'), prefix));
  await chmod(folder, 0o755);
  return folder;
}
