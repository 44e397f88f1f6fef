import { RateLimiterMemory, type RateLimiterRes } from 'rate-limiter-flexible';

/** So much of something within a window, by key, on this instance. */
export class Limit {
  readonly #limiter: RateLimiterMemory;

  constructor(
    readonly most: number,
    /** What is counted, in plural. */
    readonly of: string,
    readonly windowSeconds: number,
  ) {
    this.#limiter = new RateLimiterMemory({ points: most, duration: windowSeconds });
  }

  /** @returns why it is refused, if it is */
  async consume(key: string, count: number): Promise<Refusal | undefined> {
    return this.#limiter.consume(key, count).then(
      () => undefined,
      ({ msBeforeNext, consumedPoints }: RateLimiterRes) => ({
        detail: `More than ${this.most} ${this.of} within ${this.windowSeconds} seconds`,
        retryAfterSeconds: Math.ceil(msBeforeNext / 1000),
        excess: consumedPoints - this.most,
      }),
    );
  }
}

export interface Refusal {
  detail: string;
  retryAfterSeconds: number;
  /** How much was asked for beyond the limit, in this window. */
  excess: number;
}
