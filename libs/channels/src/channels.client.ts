import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { ClientProxy, type ReadPacket } from '@nestjs/microservices';
import type { Envelope } from '#contracts';
import { connectRedis, type RedisConnection } from '#redis';
import { encodeMessage, redisChannel } from './message.ts';

export interface ChannelsClientOptions {
  url: string;
  prefix: string;
}

/**
 * The publishing side of the channels, as a Nest microservices client:
 * `client.emit('outcome', envelope)` publishes on the channel of the envelope. All emits of
 * one moment go in one write; in a cluster, in one for each node.
 *
 * Publishing is a hint, not the truth: an event that does not get through is found in the
 * ledger by the receivers.
 */
@Injectable()
export class ChannelsClient extends ClientProxy implements OnApplicationShutdown {
  private readonly logger = new Logger(ChannelsClient.name);
  readonly #redis: RedisConnection;

  constructor(private readonly options: ChannelsClientOptions) {
    super();
    this.#redis = connectRedis(options.url, { name: 'tidings-publisher', deadlineMs: 2_000, gathersWrites: true });
    this.#redis.on('close', () => this.logger.warn('not connected to Redis: events wait in the ledger'));
  }

  get isConnected(): boolean {
    return this.#redis.status === 'ready';
  }

  connect(): Promise<void> {
    return Promise.resolve();
  }

  close(): void {
    this.#redis.disconnect();
  }

  /** After the last ticket, whose outcomes are published still. */
  onApplicationShutdown(): void {
    this.close();
  }

  override unwrap<T>(): T {
    return this.#redis as T;
  }

  /** @returns how many instances got it */
  protected override dispatchEvent<T = number>({ pattern, data }: ReadPacket<Envelope>): Promise<T> {
    const name = redisChannel(this.options.prefix, data.channel);
    return this.#redis.spublish(name, encodeMessage(String(pattern), data)) as Promise<T>;
  }

  protected publish(): never {
    throw new Error('channels carry events, not requests: use emit()');
  }
}
