import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import { connectRedis, type RedisConnection } from '#redis';

/** How long Redis may take to count a request, in milliseconds: nobody waits for it longer. */
const DEADLINE_MS = 100;

/** How often a Redis that has failed to count is asked whether it answers again, in milliseconds. */
const PROBE_MS = 1_000;

export interface LimiterOptions {
  url: string;
  /** First part of its keys. */
  prefix: string;
  /** Most requests in a window. */
  points: number;
  windowSeconds: number;
}

/** What is left to somebody. */
export interface Verdict {
  isAllowed: boolean;
  remaining: number;
  /** Until the window ends, in seconds. */
  resetSeconds: number;
}

/**
 * Counts requests by key over all instances (fixed windows in Redis). While Redis is away
 * or slow each instance counts for itself, so that a limit never costs an answer.
 */
export class SharedLimiter {
  readonly #redis: RedisConnection;
  readonly #shared: RateLimiterRedis;
  readonly #own: RateLimiterMemory;
  #isAlone = false;

  constructor(readonly options: LimiterOptions) {
    const { url, prefix: keyPrefix, points, windowSeconds: duration } = options;
    this.#redis = connectRedis(url, { name: 'tidings-limits', deadlineMs: DEADLINE_MS, gathersWrites: true });
    this.#shared = new RateLimiterRedis({
      storeClient: this.#redis,
      keyPrefix,
      points,
      duration,
      rejectIfRedisNotReady: true,
      // Who is over the limit costs Redis nothing more in this window.
      inMemoryBlockOnConsumed: points + 1,
    });
    this.#own = new RateLimiterMemory({ keyPrefix, points, duration });
  }

  async consume(key: string): Promise<Verdict> {
    if (!this.#isAlone) {
      try {
        return this.verdictOf(await this.#shared.consume(key), true);
      } catch (refusal) {
        if (refusal instanceof RateLimiterRes) return this.verdictOf(refusal, false);
        this.countAlone();
      }
    }
    return this.#own.consume(key).then(
      (result) => this.verdictOf(result, true),
      (refusal: RateLimiterRes) => this.verdictOf(refusal, false),
    );
  }

  close(): void {
    this.#redis.disconnect();
  }

  /** No request waits for a Redis that was too slow for one, until it answers again. */
  private countAlone(): void {
    if (this.#isAlone) return;
    this.#isAlone = true;
    const probe = (): void => {
      this.#redis.ping().then(
        () => (this.#isAlone = false),
        () => setTimeout(probe, PROBE_MS).unref(),
      );
    };
    setTimeout(probe, PROBE_MS).unref();
  }

  private verdictOf({ remainingPoints, msBeforeNext }: RateLimiterRes, isAllowed: boolean): Verdict {
    return {
      isAllowed,
      remaining: Math.max(remainingPoints, 0),
      resetSeconds: Math.max(Math.ceil(msBeforeNext / 1000), 0),
    };
  }
}
