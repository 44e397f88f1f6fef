import { Injectable, type CanActivate, type ExecutionContext, type OnApplicationShutdown } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AuthConfig } from '#config';
import { ProblemError } from '#contracts';
import { isExempt } from './address-limit.ts';
import { SharedLimiter } from './shared-limiter.ts';

const WINDOW_SECONDS = 60;

/**
 * Limits the requests of a user over all instances; to stand behind the guard that tells who
 * it is. Answers carry what is left (IETF draft "RateLimit header fields for HTTP").
 */
@Injectable()
export class RateLimitGuard implements CanActivate, OnApplicationShutdown {
  readonly #limiter: SharedLimiter | undefined;
  readonly #points: number;

  constructor(private readonly config: AuthConfig) {
    this.#points = config.RATE_LIMIT_PER_USER;
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
    if (!this.#limiter || !request.identity || isExempt(request.ip, this.config)) return true;
    const { isAllowed, remaining, resetSeconds } = await this.#limiter.consume(request.identity.userId);
    void http
      .getResponse<FastifyReply>()
      .header('RateLimit-Policy', `"user";q=${this.#points};w=${WINDOW_SECONDS}`)
      .header('RateLimit', `"user";r=${remaining};t=${resetSeconds}`);
    if (isAllowed) return true;
    throw new ProblemError('RATE_LIMITED', `More than ${this.#points} requests within ${WINDOW_SECONDS} seconds`, {
      retryAfterSeconds: resetSeconds,
    });
  }

  onApplicationShutdown(): void {
    this.#limiter?.close();
  }
}
