import { Injectable } from '@nestjs/common';
import { BaseRpcContext, Server, type CustomTransportStrategy } from '@nestjs/microservices';
import { isObservable, lastValueFrom } from 'rxjs';
import { eventNameOf, isReadable, type Cursor, type EphemeralEnvelope, type Envelope } from '#contracts';
import { BatchedHistory } from './batched-history.ts';
import { ChannelHistory } from './channel-history.ts';
import { createSubscriber } from './create-subscriber.ts';
import { decodeMessage } from './message.ts';
import { OrderedChannel, type OrderedChannelOptions } from './ordered-channel.ts';
import { PositionCheck } from './position-check.ts';
import type { ShardedSubscriber } from './sharded-subscriber.ts';

export interface ChannelsServerOptions {
  url: string;
  prefix: string;
  positionCheckMs: number;
}

/** What the server counts. */
export interface ChannelsCounters {
  /** Messages that Redis brought. */
  received: number;
  /** Events given to handlers. */
  delivered: number;
  /** Events that came from the history because Redis did not bring them in time. */
  filled: number;
}

type ReadHead = () => Promise<Cursor>;

/**
 * The receiving side of the channels, as a Nest microservices transport: an
 * `@EventPattern('outcome')` gets every event of the open channels, per channel in the
 * order of offsets, each exactly once.
 *
 * Nest's own Redis transport broadcasts and forgets; this one subscribes to just the
 * channels that somebody here listens to, and fills gaps from the {@link ChannelHistory}.
 */
@Injectable()
export class ChannelsServer extends Server implements CustomTransportStrategy {
  override readonly transportId = Symbol('channels');
  readonly history: BatchedHistory;
  readonly counters: ChannelsCounters = { received: 0, delivered: 0, filled: 0 };
  /** Called when a channel turns out to have another history; set by who holds its listeners. */
  onEpoch: (channel: string) => void = () => undefined;
  readonly #channels = new Map<string, { channel: OrderedChannel; listeners: number; opened: Promise<void> }>();
  readonly #channelOptions: OrderedChannelOptions;
  readonly #positions: PositionCheck;
  #subscriber: ShardedSubscriber | undefined;
  /** How often messages may have been lost so far. */
  #interruptions = 0;

  constructor(
    private readonly options: ChannelsServerOptions,
    ledger: ChannelHistory,
  ) {
    super();
    this.history = new BatchedHistory(ledger);
    this.#channelOptions = {
      history: this.history,
      deliver: (event) => this.dispatch(eventNameOf(event.type), event),
      onEpoch: (channel) => this.onEpoch(channel),
      onFilled: (count) => (this.counters.filled += count),
    };
    this.#positions = new PositionCheck(ledger, () => this.openChannels(), options.positionCheckMs);
  }

  /** Does not wait for Redis: without it, events come from the history. */
  listen(callback: () => void): void {
    this.#subscriber = createSubscriber({
      url: this.options.url,
      prefix: this.options.prefix,
      onMessage: (text) => this.receive(text),
      onInterrupted: () => this.interrupt(),
      onResubscribed: () => {
        this.interrupt();
        void this.#positions.now();
      },
    });
    this.#positions.start();
    callback();
  }

  close(): void {
    this.#positions.stop();
    this.#subscriber?.close();
    for (const { channel } of this.#channels.values()) channel.close();
    this.#channels.clear();
  }

  get isConnected(): boolean {
    return this.#subscriber?.isConnected ?? false;
  }

  /** How many channels are open. */
  get size(): number {
    return this.#channels.size;
  }

  /**
   * Opens a channel for one more listener: subscribes, waits for the reply, and only then
   * reads the position from which everything is delivered. Close it with {@link release}.
   *
   * @param readHead reads the position, and what else is wanted at once; asked only if nobody has it open
   * @throws when the history cannot be read
   */
  async open(
    name: string,
    readHead: ReadHead = (): Promise<Cursor> => this.history.head(name),
  ): Promise<OrderedChannel> {
    const entry = this.#channels.get(name) ?? this.add(name, readHead);
    entry.listeners += 1;
    try {
      await entry.opened;
      return entry.channel;
    } catch (error) {
      this.release(name);
      throw error;
    }
  }

  /** One listener less; the last one ends the subscription. */
  release(name: string): void {
    const entry = this.#channels.get(name);
    if (!entry) return;
    entry.listeners -= 1;
    if (entry.listeners > 0) return;
    this.#channels.delete(name);
    entry.channel.close();
    this.#subscriber?.unsubscribe(name);
  }

  /** Compares all positions with the history now. */
  checkPositions(): Promise<void> {
    return this.#positions.now();
  }

  override on(): never {
    throw new Error('the channels transport has no events of its own; use @EventPattern');
  }

  override unwrap<T>(): T {
    return this.#subscriber as T;
  }

  private *openChannels(): Iterable<OrderedChannel> {
    for (const { channel } of this.#channels.values()) yield channel;
  }

  private add(name: string, readHead: ReadHead) {
    const channel = new OrderedChannel(name, this.#channelOptions);
    const opened = this.start(channel, readHead);
    // Each opener awaits it and sees the failure.
    opened.catch(() => undefined);
    const entry = { channel, listeners: 0, opened };
    this.#channels.set(name, entry);
    return entry;
  }

  /** Waits for the handlers, which Nest's own `handleEvent` does not: the next event comes after them. */
  private async dispatch(pattern: string, event: Envelope | EphemeralEnvelope): Promise<void> {
    // Not `getHandlerByPattern`, which takes a pattern for JSON first: a throw and a catch an event.
    const handler = this.messageHandlers.get(pattern);
    if (!handler) throw new Error(`no @EventPattern('${pattern}') is there`);
    this.counters.delivered += 1;
    const result: unknown = await handler(event, new BaseRpcContext([event.channel]));
    if (isObservable(result)) await lastValueFrom(result, { defaultValue: undefined });
  }

  private async start(channel: OrderedChannel, readHead: ReadHead): Promise<void> {
    await this.#subscriber?.subscribe(channel.name);
    const before = this.#interruptions;
    channel.start(await readHead());
    // The head may be older than the subscription that stands now, and was not compared with it.
    if (this.#interruptions !== before) void this.#positions.now();
  }

  private interrupt(): void {
    this.#interruptions += 1;
    for (const channel of this.openChannels()) channel.doubt();
  }

  private receive(text: string): void {
    this.counters.received += 1;
    const message = decodeMessage(text);
    if (!message) return this.logger.warn('dropped a message that is not ours');
    const { pattern, envelope } = message;
    const entry = this.#channels.get(envelope.channel);
    if (!entry) return;
    if ('offset' in envelope) {
      if (isReadable(envelope)) entry.channel.receive(envelope);
      else entry.channel.announce(envelope.offset);
    } else if (isReadable(envelope) && this.messageHandlers.has(pattern)) {
      void this.dispatch(pattern, envelope).catch((error: unknown) => this.logger.error(error));
    } else {
      // Of a later version. It is not kept, so it may be missed.
      this.logger.debug?.(`left out ${pattern} of version ${envelope.specversion}`);
    }
  }
}
