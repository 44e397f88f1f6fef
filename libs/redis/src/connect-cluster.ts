import { Cluster, type ClusterNode, type ClusterOptions as AllOptions } from 'ioredis';
import type { RedisTarget } from '#config';
import { commonOptions, reconnectAfterMs, type RedisOptions } from './redis-options.ts';

type ClusterOptions = Omit<AllOptions, 'redisOptions'> & { redisOptions?: RedisOptions };

/** How often is asked which node has which slots, in milliseconds; errors make it ask at once. */
const REFRESH_MS = 2_000;

/** Redirections, each after 50 ms, of a command that may fail fast; and of one that is to get through. */
const FEW = 3;
const MANY = 16;

/**
 * A cluster client that finds back when all nodes have got other addresses: ioredis goes on
 * asking those it knows, as long as it has never connected to one of them. So does a duplicate.
 */
class RediscoveringCluster extends Cluster {
  constructor(nodes: ClusterNode[], options: ClusterOptions) {
    super(nodes, options);
    let timer: NodeJS.Timeout | undefined;
    this.on('ready', () => (timer ??= setInterval(() => this.rediscover(), REFRESH_MS).unref()));
    this.on('end', () => {
      clearInterval(timer);
      timer = undefined;
    });
  }

  override duplicate(nodes?: ClusterNode[], options?: ClusterOptions): never {
    const redisOptions = { ...this.options.redisOptions, ...options?.redisOptions };
    const merged = { ...this.options, ...options, redisOptions };
    return new RediscoveringCluster(nodes?.length ? nodes : this.#startupNodes, merged) as never;
  }

  get #startupNodes(): ClusterNode[] {
    return (this as unknown as { startupNodes: ClusterNode[] }).startupNodes;
  }

  private rediscover(): void {
    if (this.status !== 'ready') return;
    this.refreshSlotsCache((error) => {
      // Begins anew with the addresses of the URL.
      if (error && this.status === 'ready') this.disconnect(true);
    });
  }
}

/** Connects to a cluster; commands go to the masters. */
export function connectCluster(target: RedisTarget, options: RedisOptions): Cluster {
  const { enableOfflineQueue = true, ...redisOptions } = options;
  const cluster = new RediscoveringCluster([...target.addresses], {
    enableOfflineQueue,
    clusterRetryStrategy: reconnectAfterMs,
    maxRedirections: enableOfflineQueue ? MANY : FEW,
    retryDelayOnFailover: 50,
    retryDelayOnClusterDown: enableOfflineQueue ? 100 : 0,
    redisOptions: { ...commonOptions(target), ...redisOptions },
    // Certificates are for names.
    ...(target.isEncrypted && { dnsLookup: (host, callback) => callback(null, host) }),
  });
  return cluster;
}
