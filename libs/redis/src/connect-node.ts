import { Redis } from 'ioredis';
import { parseRedisUrl, type RedisAddress } from '#config';
import { masterOptions, nodeOptions } from './redis-options.ts';
import { tellRefusals } from './tell-refusals.ts';

export interface NodeSettings {
  /** Shown by `CLIENT LIST`. */
  name: string;
  /** How long an answer may take before the connection counts as dead, in milliseconds. */
  silenceMs: number;
  /** Which node, in a cluster. */
  node?: RedisAddress;
}

/**
 * One connection to one Redis, for subscriptions: what cannot be sent at once fails at once, and
 * nothing is subscribed again by itself, for ioredis does not tell when that is done.
 */
export function connectNode(url: string, { name, silenceMs, node }: NodeSettings): Redis {
  const target = parseRedisUrl(url);
  const redis = new Redis({
    ...(node ? nodeOptions(target, node) : masterOptions(target)),
    connectionName: name,
    socketTimeout: silenceMs,
    autoResubscribe: false,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
  });
  tellRefusals(redis, name);
  return redis;
}
