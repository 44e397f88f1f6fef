import { parseRedisUrl } from '#config';
import { ClusterSubscriber } from './cluster-subscriber.ts';
import type { ShardedSubscriber } from './sharded-subscriber.ts';
import { SubscriberConnection, type SubscriberOptions } from './subscriber-connection.ts';

/** One connection to one Redis, or one to each master of a cluster. */
export function createSubscriber(options: SubscriberOptions): ShardedSubscriber {
  const isCluster = parseRedisUrl(options.url).kind === 'cluster';
  return isCluster ? new ClusterSubscriber(options) : new SubscriberConnection(options);
}
