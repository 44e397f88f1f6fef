import { Logger } from '@nestjs/common';
import type { Redis } from 'ioredis';
import type { RedisAddress } from '#config';
import { connectNode } from '#redis';
import { redisChannel } from './message.ts';

/** Channels in one SSUBSCRIBE. */
const CHUNK = 500;

/** Shortest time between two of them, in milliseconds: in a storm of connections there is one to come all the time. */
const SHORTEST_MS = 10;

/** How long Redis may leave a subscription unanswered, in milliseconds. */
const DEADLINE_MS = 1_500;

/** A connection that brings nothing for so long, not even the answer to a ping, is dead. */
const SILENCE_MS = 5_000;
const PING_MS = 1_500;

export interface SubscriberOptions {
  url: string;
  prefix: string;
  onMessage: (text: string) => void;
  /** What is published from now on may not come. */
  onInterrupted: () => void;
  /** All channels are subscribed after a time in which messages may have been lost: compare positions now. */
  onResubscribed: () => void;
}

interface ConnectionOptions extends SubscriberOptions {
  /** The node of a cluster, and who is told that it has lost slots. */
  node?: RedisAddress;
  onMoved?: () => void;
}

/**
 * A subscribing connection to one Redis (`SSUBSCRIBE`, Redis 7).
 *
 * ioredis says `ready` before it has subscribed again, and what is published in between is
 * lost; so it does not resubscribe by itself: we do, wait for the reply, and only then let
 * positions be compared.
 */
export class SubscriberConnection {
  private readonly logger = new Logger(SubscriberConnection.name);
  readonly #redis: Redis;
  readonly #channels = new Set<string>();
  readonly #ping: NodeJS.Timeout;
  #isClosed = false;
  #sentAt = -Infinity;
  /** Asked for in this moment; sent together. */
  #batch: { channels: string[]; sent: Promise<void> } | undefined;

  constructor(private readonly options: ConnectionOptions) {
    const { url, node, onMoved } = options;
    this.#redis = connectNode(url, { name: 'tidings-subscriber', silenceMs: SILENCE_MS, ...(node && { node }) });
    this.#redis.on('smessage', (_name: string, text: string) => options.onMessage(text));
    this.#redis.on('close', () => {
      if (this.#isClosed) return;
      this.logger.warn('not connected to Redis: events wait in the ledger');
      options.onInterrupted();
      onMoved?.();
    });
    this.#redis.on('ready', () => void this.resubscribe());
    if (onMoved) this.#redis.on('moved', onMoved);
    this.#ping = setInterval(() => void this.ping(), PING_MS);
    this.#ping.unref();
  }

  get isConnected(): boolean {
    return this.#redis.status === 'ready';
  }

  /**
   * Subscribes to a channel. Resolves when Redis has answered; while Redis is away it
   * resolves at once, and `onResubscribed` comes later.
   */
  async subscribe(channel: string): Promise<void> {
    this.#channels.add(channel);
    if (!this.isConnected) return;
    this.#batch ??= { channels: [], sent: this.moment().then(() => this.flush()) };
    this.#batch.channels.push(channel);
    await this.#batch.sent;
  }

  unsubscribe(channel: string): void {
    this.#channels.delete(channel);
    this.#redis.sunsubscribe(this.nameOf(channel)).catch(() => undefined);
  }

  /** Subscribes to all channels, once more to those that are subscribed. */
  async resubscribe(): Promise<void> {
    this.logger.log(`connected to Redis, subscribing to ${this.#channels.size} channels`);
    await this.send([...this.#channels]);
    if (this.isConnected) this.options.onResubscribed();
  }

  close(): void {
    clearInterval(this.#ping);
    this.#isClosed = true;
    this.#redis.disconnect();
  }

  private nameOf(channel: string): string {
    return redisChannel(this.options.prefix, channel);
  }

  private async ping(): Promise<void> {
    if (this.isConnected) await this.#redis.ping().catch(() => undefined);
  }

  private async moment(): Promise<void> {
    const wait = this.#sentAt + SHORTEST_MS - performance.now();
    await new Promise<void>((resolve) => (wait > 0 ? setTimeout(resolve, wait) : setImmediate(resolve)));
  }

  private async flush(): Promise<void> {
    this.#sentAt = performance.now();
    const { channels } = this.#batch!;
    this.#batch = undefined;
    await this.send(channels);
  }

  private async send(channels: readonly string[]): Promise<void> {
    for (let start = 0; start < channels.length; start += CHUNK) {
      // Some may have been left while the chunk before was under way.
      const wanted = channels.slice(start, start + CHUNK).filter((channel) => this.#channels.has(channel));
      if (wanted.length > 0) await this.sendChunk(wanted.map((channel) => this.nameOf(channel)));
    }
  }

  /** On failure the connection is lost or hangs, or the node has lost the slot; all end in a resubscription. */
  private async sendChunk(names: readonly string[]): Promise<void> {
    // A node of a cluster takes channels of one slot only in a call.
    const reply: Promise<unknown> = this.options.node
      ? Promise.all(names.map((name) => this.#redis.ssubscribe(name)))
      : this.#redis.ssubscribe(...names);
    if (await isWithin(DEADLINE_MS, reply)) return;
    // What was published until then came to nobody.
    reply.then(this.options.onResubscribed).catch(() => undefined);
  }
}

/** Whether the work ended in time, however it ended. */
async function isWithin(milliseconds: number, work: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => (timer = setTimeout(resolve, milliseconds, false)));
  const done = work.then(
    () => true,
    () => true,
  );
  return Promise.race([done, late]).finally(() => clearTimeout(timer));
}
