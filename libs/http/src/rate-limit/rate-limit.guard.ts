import { Injectable, type CanActivate, type ExecutionContext, type OnApplicationShutdown } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { RateLimiterMemory, type RateLimiterRes } from 'rate-limiter-flexible';
import { AuthConfig } from '#config';
import { ProblemError } from '#contracts';
import { isExempt } from './address-limit.ts';
import { SharedLimiter } from './shared-limiter.ts';

const WINDOW_SECONDS = 60;

/** What is known of a request by the time it is counted. */
export interface CountedRequest extends FastifyRequest {
  identity?: { userId: string };
  /** Counts the bytes of its body, once unpacked, before they are parsed; there when it is counted itself. */
  countBytes?: (bytes: number) => Promise<void>;
}

/**
 * Limits the requests of a user over all instances, and their bytes by instance; to stand behind the guard that tells who
 * it is. Answers carry what is left (IETF draft "RateLimit header fields for HTTP").
 */
@Injectable()
export class RateLimitGuard implements CanActivate, OnApplicationShutdown {
  readonly #limiter: SharedLimiter | undefined;
  readonly #points: number;
  readonly #bytes: RateLimiterMemory | undefined;

  constructor(private readonly config: AuthConfig) {
    this.#points = config.RATE_LIMIT_PER_USER;
    const points = config.RATE_LIMIT_BYTES;
    if (points > 0) this.#bytes = new RateLimiterMemory({ points, duration: WINDOW_SECONDS });
    if (this.#points === 0) return;
    this.#limiter = new SharedLimiter({
      url: config.REDIS_URL,
      prefix: `${config.REDIS_PREFIX}:requests`,
      points: this.#points,
      windowSeconds: WINDOW_SECONDS,
    });
  }

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const http = context.switchToHttp();
    await this.count(http.getRequest<CountedRequest>(), http.getResponse<FastifyReply>());
    return true;
  }

  /**
   * Counts a request, unless that was done before its body was read.
   *
   * @throws {ProblemError} `RATE_LIMITED`
   */
  async count(request: CountedRequest, reply: FastifyReply): Promise<void> {
    // Public routes, health and metrics among them, know no user.
    if (!request.identity || request.countBytes || isExempt(request.ip, this.config)) return;
    const { userId } = request.identity;
    request.countBytes = (bytes) => this.consumeBytes(userId, bytes, reply);
    if (!this.#limiter) return;
    const { isAllowed, remaining, resetSeconds } = await this.#limiter.consume(userId);
    void reply
      .header('RateLimit-Policy', `"user";q=${this.#points};w=${WINDOW_SECONDS}`)
      .header('RateLimit', `"user";r=${remaining};t=${resetSeconds}`);
    if (isAllowed) return;
    throw new ProblemError('RATE_LIMITED', `More than ${this.#points} requests within ${WINDOW_SECONDS} seconds`, {
      retryAfterSeconds: resetSeconds,
    });
  }

  private async consumeBytes(userId: string, bytes: number, reply: FastifyReply): Promise<void> {
    if (!this.#bytes || bytes === 0) return;
    const refusal = await this.#bytes.consume(userId, bytes).then(
      () => undefined,
      (result: RateLimiterRes) => result,
    );
    if (!refusal) return;
    const most = this.config.RATE_LIMIT_BYTES;
    const retryAfterSeconds = Math.ceil(refusal.msBeforeNext / 1000);
    void reply
      .header('RateLimit-Policy', `"bytes";q=${most};w=${WINDOW_SECONDS}`)
      .header('RateLimit', `"bytes";r=0;t=${retryAfterSeconds}`);
    throw new ProblemError('RATE_LIMITED', `More than ${most} bytes within ${WINDOW_SECONDS} seconds`, {
      retryAfterSeconds,
    });
  }

  onApplicationShutdown(): void {
    this.#limiter?.close();
  }
}
