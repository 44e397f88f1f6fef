import type { RedisAddress } from '#config';
import { SlotOwners } from '#redis';
import { redisChannel } from './message.ts';
import type { ShardedSubscriber } from './sharded-subscriber.ts';
import { SubscriberConnection, type SubscriberOptions } from './subscriber-connection.ts';

/** How long after a sign of change the cluster is asked, in milliseconds: its nodes have to agree first. */
const CHECK_AFTER_MS = 100;

interface Home {
  /** Of the name in Redis. */
  slot: number;
  /** The master where it is subscribed; undefined while nobody knows. */
  node: string | undefined;
}

/**
 * Subscribes to each channel at the master that has its slot, over one connection a master.
 *
 * Whenever the cluster tells who has which slots, channels follow their slots; and a connection
 * that has seen a sign of change (Redis ends subscriptions of slots that go) subscribes to all
 * of its channels once more, be the slots here or back.
 */
export class ClusterSubscriber implements ShardedSubscriber {
  readonly #owners: SlotOwners;
  readonly #connections = new Map<string, SubscriberConnection>();
  readonly #homes = new Map<string, Home>();
  readonly #doubtful = new Set<string>();
  #check: NodeJS.Timeout | undefined;

  constructor(private readonly options: SubscriberOptions) {
    this.#owners = new SlotOwners(options.url, 'tidings-slots', () => this.settle());
  }

  get isConnected(): boolean {
    const connections = [...this.#connections.values()];
    return connections.length > 0 && connections.every(({ isConnected }) => isConnected);
  }

  async subscribe(channel: string): Promise<void> {
    const slot = this.#owners.slotOf(redisChannel(this.options.prefix, channel));
    const home = this.#homes.get(channel) ?? { slot, node: this.#owners.of(slot) };
    this.#homes.set(channel, home);
    await this.connectionOf(home)?.subscribe(channel);
  }

  unsubscribe(channel: string): void {
    const home = this.#homes.get(channel);
    this.#homes.delete(channel);
    if (home) this.connectionOf(home)?.unsubscribe(channel);
  }

  close(): void {
    clearTimeout(this.#check);
    this.#owners.close();
    for (const connection of this.#connections.values()) connection.close();
    this.#connections.clear();
  }

  private connectionOf({ node }: Home): SubscriberConnection | undefined {
    return node === undefined ? undefined : this.#connections.get(node);
  }

  /** Brings connections and channels to where the slots are. */
  private settle(): void {
    const masters = this.#owners.masters();
    for (const [node, address] of masters) if (!this.#connections.has(node)) this.connect(node, address);
    const moved: Promise<void>[] = [];
    for (const [channel, home] of this.#homes) {
      const node = this.#owners.of(home.slot);
      if (node === undefined || node === home.node) continue;
      this.connectionOf(home)?.unsubscribe(channel);
      home.node = node;
      moved.push(this.#connections.get(node)!.subscribe(channel));
    }
    for (const [node, connection] of this.#connections) {
      if (masters.has(node)) continue;
      this.#connections.delete(node);
      this.#doubtful.delete(node);
      connection.close();
    }
    for (const node of this.#doubtful) void this.#connections.get(node)?.resubscribe();
    this.#doubtful.clear();
    if (moved.length > 0) void Promise.all(moved).then(() => this.options.onResubscribed());
  }

  private connect(node: string, address: RedisAddress): void {
    const onMoved = (): void => {
      this.#doubtful.add(node);
      this.options.onInterrupted();
      this.#check ??= setTimeout(() => {
        this.#check = undefined;
        this.#owners.check();
      }, CHECK_AFTER_MS).unref();
    };
    this.#connections.set(node, new SubscriberConnection({ ...this.options, node: address, onMoved }));
  }
}
