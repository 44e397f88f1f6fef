import { Injectable } from '@nestjs/common';
import { RateLimiterMemory, type RateLimiterRes } from 'rate-limiter-flexible';
import type { Event, Socket } from 'socket.io';
import { SocketConfig } from '#config';
import { ProblemError } from '#contracts';
import { isExempt } from '#http';
import { identityOf } from './handshake.ts';
import { ackProblem } from './problem.ack.ts';

const WINDOW_SECONDS = 10;

/** Who goes on after so many refusals in a window is cut off. */
const MOST_REFUSALS = 100;

/**
 * Limits the events that clients send to this instance: of a user, over all of their
 * connections here; of a guest, by connection. What goes beyond is acked with
 * `RATE_LIMITED`; who goes on all the same is disconnected, and socket.io clients stay away.
 */
@Injectable()
export class EventLimits {
  readonly #limiter: RateLimiterMemory;

  constructor(private readonly config: SocketConfig) {
    this.#limiter = new RateLimiterMemory({
      points: Math.max(config.RATE_LIMIT_EVENTS, 1),
      duration: WINDOW_SECONDS,
    });
  }

  /** A middleware of one socket. */
  middlewareOf(socket: Socket): (event: Event, next: () => void) => void {
    if (this.config.RATE_LIMIT_EVENTS === 0 || isExempt(socket.handshake.address, this.config)) {
      return (_event, next) => next();
    }
    const userId = identityOf(socket)?.userId;
    const key = userId === undefined ? `socket ${socket.id}` : `user ${userId}`;
    return ([, ...args], next) => void this.pass(socket, key, args, next);
  }

  private async pass(socket: Socket, key: string, args: readonly unknown[], next: () => void): Promise<void> {
    const refusal = await this.#limiter.consume(key).then(
      () => undefined,
      (result: RateLimiterRes) => result,
    );
    if (!refusal) return next();
    const most = this.config.RATE_LIMIT_EVENTS;
    const retryAfterSeconds = Math.ceil(refusal.msBeforeNext / 1000);
    const detail = `More than ${most} events within ${WINDOW_SECONDS} seconds; wait ${retryAfterSeconds} s`;
    ackProblem(args, new ProblemError('RATE_LIMITED', detail, { retryAfterSeconds }));
    if (refusal.consumedPoints > most + MOST_REFUSALS) socket.disconnect(true);
  }
}
