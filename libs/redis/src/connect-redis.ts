import { Redis, type Cluster } from 'ioredis';
import { parseRedisUrl } from '#config';
import { connectCluster } from './connect-cluster.ts';
import { gatherWrites } from './gather-writes.ts';
import './short-lived-commands.ts';
import { masterOptions, type RedisOptions } from './redis-options.ts';
import { tellRefusals } from './tell-refusals.ts';

/** Both take the same commands, in a cluster those only whose keys are on one node. */
export type RedisConnection = Redis | Cluster;

export interface ConnectionSettings {
  /** Shown by `CLIENT LIST`. */
  name: string;
  /**
   * Longest time for an answer, in milliseconds; what cannot be sent at once fails at once.
   * Without it, commands are kept, for ever, until there is a connection.
   */
  deadlineMs?: number;
  /** Whether what is sent in one moment goes out in one write: see {@link gatherWrites}. */
  gathersWrites?: boolean;
}

/**
 * Connects to the Redis, the Sentinels or the cluster of a `REDIS_URL`, and reconnects for ever.
 * Nothing is thrown while it is away; commands fail as the settings say.
 */
export function connectRedis(url: string, settings: ConnectionSettings): RedisConnection {
  const target = parseRedisUrl(url);
  const { name, deadlineMs, gathersWrites = false } = settings;
  const options = {
    connectionName: name,
    ...(deadlineMs === undefined
      ? { maxRetriesPerRequest: null }
      : { commandTimeout: deadlineMs, enableOfflineQueue: false, maxRetriesPerRequest: 0 }),
  } satisfies RedisOptions;
  const connection =
    target.kind === 'cluster' ? connectCluster(target, options) : new Redis({ ...masterOptions(target), ...options });
  if (gathersWrites) gatherWrites(connection);
  tellRefusals(connection, name);
  return connection;
}
