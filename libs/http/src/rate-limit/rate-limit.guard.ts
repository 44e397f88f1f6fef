import { Injectable, type CanActivate, type ExecutionContext, type OnApplicationShutdown } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { RateLimiterMemory, type RateLimiterRes } from 'rate-limiter-flexible';
import { AuthConfig } from '#config';
import { ProblemError } from '#contracts';
import { isExempt } from './address-limit.ts';
import { SharedLimiter } from './shared-limiter.ts';

const WINDOW_SECONDS = 60;

/** What a body counts whose length is not announced, in bytes: as much as it may have. */
const UNKNOWN_LENGTH = 100 * 1024;

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
    const request = http.getRequest<FastifyRequest & { identity?: { userId: string } }>();
    // Public routes, health and metrics among them, know no user.
    if (!request.identity || isExempt(request.ip, this.config)) return true;
    const { userId } = request.identity;
    await this.consumeBytes(userId, bytesOf(request));
    if (!this.#limiter) return true;
    const { isAllowed, remaining, resetSeconds } = await this.#limiter.consume(userId);
    void http
      .getResponse<FastifyReply>()
      .header('RateLimit-Policy', `"user";q=${this.#points};w=${WINDOW_SECONDS}`)
      .header('RateLimit', `"user";r=${remaining};t=${resetSeconds}`);
    if (isAllowed) return true;
    throw new ProblemError('RATE_LIMITED', `More than ${this.#points} requests within ${WINDOW_SECONDS} seconds`, {
      retryAfterSeconds: resetSeconds,
    });
  }

  private async consumeBytes(userId: string, bytes: number): Promise<void> {
    if (!this.#bytes || bytes === 0) return;
    const refusal = await this.#bytes.consume(userId, bytes).then(
      () => undefined,
      (result: RateLimiterRes) => result,
    );
    if (!refusal) return;
    const most = this.config.RATE_LIMIT_BYTES;
    throw new ProblemError('RATE_LIMITED', `More than ${most} bytes within ${WINDOW_SECONDS} seconds`, {
      retryAfterSeconds: Math.ceil(refusal.msBeforeNext / 1000),
    });
  }

  onApplicationShutdown(): void {
    this.#limiter?.close();
  }
}

function bytesOf({ headers }: FastifyRequest): number {
  if (headers['transfer-encoding'] !== undefined) return UNKNOWN_LENGTH;
  return Number(headers['content-length'] ?? 0);
}
