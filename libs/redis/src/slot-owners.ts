import { Command, type Cluster } from 'ioredis';
import { parseRedisUrl, type RedisAddress } from '#config';
import { connectCluster } from './connect-cluster.ts';

/** Which master of a cluster has which slots; asked anew every two seconds, and on demand. */
export class SlotOwners {
  readonly #cluster: Cluster;

  /** @param onTold called whenever the cluster has told, be there news or not */
  constructor(url: string, name: string, onTold: () => void) {
    this.#cluster = connectCluster(parseRedisUrl(url), { connectionName: name, enableOfflineQueue: false });
    this.#cluster.on('error', () => undefined);
    this.#cluster.on('refresh', onTold);
  }

  /** The slot of a key or of a sharded channel. */
  slotOf(key: string): number {
    return new Command('SSUBSCRIBE', [key]).getSlot();
  }

  /** The master that has a slot, as `host:port`; undefined while that is not known. */
  of(slot: number): string | undefined {
    return this.#cluster.slots[slot]?.[0];
  }

  /** All masters that have slots, by their names. */
  masters(): Map<string, RedisAddress> {
    const names = new Set(this.#cluster.slots.flatMap(([master]) => master ?? []));
    return new Map([...names].map((name) => [name, addressOf(name)]));
  }

  /** Something was not where it should be: asks at once. */
  check(): void {
    if (this.#cluster.status === 'ready') this.#cluster.refreshSlotsCache();
  }

  close(): void {
    this.#cluster.disconnect();
  }
}

/** Of `host:port`, where the host may be an IPv6 address. */
function addressOf(name: string): RedisAddress {
  const colon = name.lastIndexOf(':');
  return { host: name.slice(0, colon), port: Number(name.slice(colon + 1)) };
}
