import { Redis } from 'ioredis';

/**
 * The connection of a queue and of its worker. It reconnects fast at first, then once a
 * second, for ever, and keeps commands until then (BullMQ needs that for the worker); so
 * whoever adds tickets looks at its status first and does not wait beyond a deadline.
 */
export function createQueueConnection(url: string): Redis {
  return new Redis(url, {
    retryStrategy: (times: number) => Math.min(50 * 2 ** Math.min(times, 5), 1_000),
    connectTimeout: 2_000,
    keepAlive: 2_000,
    maxRetriesPerRequest: null,
    connectionName: 'tidings-queue',
  });
}
