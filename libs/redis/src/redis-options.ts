import type { RedisOptions as AllOptions } from 'ioredis';
import type { RedisAddress, RedisTarget } from '#config';

/** Those that leave the types of the answers alone. */
export type RedisOptions = Omit<AllOptions, 'replyMapping'>;

/** Longest time until a connection stands, and until a Sentinel has answered, in milliseconds. */
const CONNECT_MS = 2_000;

/** How long an answer may take before a connection counts as dead, in milliseconds: longer than BullMQ blocks. */
const SILENCE_MS = 12_000;

/** Fast at first, then once a second, for ever. */
export function reconnectAfterMs(times: number): number {
  return Math.min(50 * 2 ** Math.min(times, 5), 1_000);
}

/** What all connections to a Redis have in common, wherever it is. */
export function commonOptions({ isEncrypted, username, password }: RedisTarget): RedisOptions {
  return {
    connectTimeout: CONNECT_MS,
    keepAlive: 2_000,
    // Leaves one that hangs or is cut off: TCP itself gives up what it has sent after a quarter of an hour.
    // For Sentinels not by ioredis's `failoverDetector`: when that speaks while a connection is being
    // made, the connection ends for ever.
    socketTimeout: SILENCE_MS,
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(isEncrypted && { tls: {} }),
    // A master that became a replica takes no writes, and keeps its connections when nobody tells it to end them.
    reconnectOnError: ({ message }) => message.startsWith('READONLY'),
  };
}

/** One Redis, or the present master of those that Sentinels watch. */
export function masterOptions(target: RedisTarget): RedisOptions {
  const { kind, addresses, database, master, isEncrypted, sentinelUsername, sentinelPassword } = target;
  const options = { ...commonOptions(target), db: database, retryStrategy: reconnectAfterMs };
  if (kind !== 'sentinel') return { ...options, ...addresses[0] };
  return {
    ...options,
    sentinels: [...addresses],
    name: master!,
    sentinelCommandTimeout: CONNECT_MS,
    sentinelRetryStrategy: reconnectAfterMs,
    ...(isEncrypted && { enableTLSForSentinelMode: true, sentinelTLS: {} }),
    ...(sentinelUsername !== undefined && { sentinelUsername }),
    ...(sentinelPassword !== undefined && { sentinelPassword }),
  };
}

/** One node of a cluster. */
export function nodeOptions(target: RedisTarget, address: RedisAddress): RedisOptions {
  return { ...commonOptions(target), ...address, retryStrategy: reconnectAfterMs };
}
