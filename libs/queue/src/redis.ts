import { Redis } from 'ioredis';

/** Reconnects fast at first, then once a second, for ever. */
const RECONNECT = {
  retryStrategy: (times: number) => Math.min(50 * 2 ** Math.min(times, 5), 1_000),
  connectTimeout: 2_000,
  keepAlive: 2_000,
};

/** For adding tickets: fails at once while Redis is away. */
export function createProducerConnection(url: string): Redis {
  return new Redis(url, { ...RECONNECT, enableOfflineQueue: false, maxRetriesPerRequest: 0 });
}

/** For taking tickets: waits for Redis to come back (BullMQ blocks on it). */
export function createConsumerConnection(url: string): Redis {
  return new Redis(url, { ...RECONNECT, maxRetriesPerRequest: null });
}
