import { Redis } from 'ioredis';

const OPTIONS = { retryStrategy: () => null };

/** Counts what is published in a Redis. */
export class RedisPublishes {
  readonly #received = new Map<string, number>();
  #before = 0;

  readonly #subscriber: Redis;
  readonly #connection: Redis;

  private constructor(url: string) {
    this.#subscriber = new Redis(url, OPTIONS);
    this.#connection = new Redis(url, OPTIONS);
  }

  /** Counts from now on, in all, and on each of these channels. */
  static async count(url: string, prefix: string, channels: readonly string[]): Promise<RedisPublishes> {
    const publishes = new RedisPublishes(url);
    const subscriber = publishes.#subscriber;
    subscriber.on('smessage', (name: string) => {
      const channel = name.slice(prefix.length + 2, -1);
      publishes.#received.set(channel, publishes.of(channel) + 1);
    });
    await subscriber.ssubscribe(...channels.map((channel) => `${prefix}:{${channel}}`));
    publishes.#before = await publishes.calls();
    return publishes;
  }

  of(channel: string): number {
    return this.#received.get(channel) ?? 0;
  }

  /** How often anything was published to anybody. */
  async total(): Promise<number> {
    return (await this.calls()) - this.#before;
  }

  close(): void {
    this.#subscriber.disconnect();
    this.#connection.disconnect();
  }

  private async calls(): Promise<number> {
    const statistics = await this.#connection.info('commandstats');
    const calls = [...statistics.matchAll(/^cmdstat_s?publish:calls=(\d+)/gm)];
    return calls.reduce((sum, [, count]) => sum + Number(count), 0);
  }
}
