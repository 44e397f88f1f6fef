import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { startPostgres, type PostgresOptions, type PostgresServer } from '../../../infra/local/postgres.ts';
import { startRedisCluster, type RedisCluster } from '../../../infra/local/redis-cluster.ts';
import type { RedisInstallation } from '../../../infra/local/redis-installation.ts';
import type { RedisProgram } from '../../../infra/local/redis-program.ts';
import { startRedisSentinel, type RedisSentinel } from '../../../infra/local/redis-sentinel.ts';
import { startRedis, type RedisOptions, type RedisServer } from '../../../infra/local/redis.ts';
import type { ReplicatedOptions } from '../../../infra/local/replicated-redis.ts';
import { atEndOfFile } from './cleanup.ts';
import { given } from './environment.ts';

/** Where a whole installation is stopped and started, nobody shall be replaced meanwhile. */
const PATIENT_MS = 10_000;

/** A Redis of one process that a test may kill, stop, empty and start again; it ends with the test file. */
export async function privateRedis(options: Partial<RedisOptions> = {}): Promise<RedisServer> {
  return ending(await startRedis({ ...(await newRedisOptions()), persistent: true, ...options }));
}

/** A master, two replicas and three Sentinels; they end with the test file. */
export async function privateSentinel(options: Partial<ReplicatedOptions> = {}): Promise<RedisSentinel> {
  return ending(await startRedisSentinel({ ...(await newRedisOptions()), ...options }));
}

/** A cluster of three masters and three replicas; it ends with the test file. */
export async function privateCluster(options: Partial<ReplicatedOptions> = {}): Promise<RedisCluster> {
  return ending(await startRedisCluster({ ...(await newRedisOptions()), ...options }));
}

/** Like {@link privateRedis}, but one with Sentinels or a cluster in the tests that are run for these. */
export function privateInstallation(options: { folder?: string } = {}): Promise<RedisInstallation> {
  switch (process.env['TEST_REDIS_KIND']) {
    case 'sentinel':
      return privateSentinel({ ...options, failoverAfterMs: PATIENT_MS });
    case 'cluster':
      return privateCluster({ ...options, failoverAfterMs: PATIENT_MS });
    default:
      return privateRedis(options);
  }
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

async function newRedisOptions(): Promise<{ folder: string; program: RedisProgram }> {
  return { folder: await newFolder('redis-'), program: JSON.parse(given('TEST_REDIS_PROGRAM')) as RedisProgram };
}

function ending<Server extends RedisInstallation>(server: Server): Server {
  atEndOfFile(() => server.stop());
  return server;
}

async function newFolder(prefix: string): Promise<string> {
  const folder = await mkdtemp(join(given('TEST_FOLDER'), prefix));
  await chmod(folder, 0o755);
  return folder;
}
