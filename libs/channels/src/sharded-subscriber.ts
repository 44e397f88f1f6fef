import { parseRedisUrl } from '#config';
import { ClusterSubscriber } from './cluster-subscriber.ts';
import { SubscriberConnection, type SubscriberOptions } from './subscriber-connection.ts';

/** What subscribes to channels, each at the Redis that has it. */
export interface ShardedSubscriber {
  /** Whether everything that is published comes. */
  readonly isConnected: boolean;
  /**
   * Subscribes to a channel. Resolves when Redis has answered; while Redis is away it
   * resolves at once, and `onResubscribed` comes later.
   */
  subscribe(channel: string): Promise<void>;
  unsubscribe(channel: string): void;
  close(): void;
}

/** One connection to one Redis, or one to each master of a cluster. */
export function createSubscriber(options: SubscriberOptions): ShardedSubscriber {
  const isCluster = parseRedisUrl(options.url).kind === 'cluster';
  return isCluster ? new ClusterSubscriber(options) : new SubscriberConnection(options);
}
