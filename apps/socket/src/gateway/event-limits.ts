import { Injectable } from '@nestjs/common';
import type { Event, Socket } from 'socket.io';
import { SocketConfig } from '#config';
import { ProblemError } from '#contracts';
import { isExempt } from '#http';
import { identityOf } from './handshake.ts';
import { Limit, type Refusal } from './limit.ts';
import { ackProblem } from './problem.ack.ts';

const EVENTS_WINDOW_SECONDS = 10;
const BYTES_WINDOW_SECONDS = 60;

/** Bytes that are counted without an event that they belong to: more than the largest message has. */
const MOST_UNCOUNTED_BYTES = 128 * 1024;

/** Sessions that a client may begin anew on one connection in a window. */
const MOST_RETURNS = 20;

/** Who goes on after so many refused events, or bytes, in a window is cut off. */
const MOST_REFUSED_EVENTS = 100;
const MOST_REFUSED_BYTES = 1_000_000;

/**
 * Limits the events that clients send to this instance, and their bytes: of a user, over all
 * of their connections here; of a guest, by connection. What goes beyond is acked with
 * `RATE_LIMITED`; who goes on all the same is disconnected, and socket.io clients stay away.
 */
@Injectable()
export class EventLimits {
  readonly #events: Limit | undefined;
  readonly #bytes: Limit | undefined;
  readonly #returns = new Limit(MOST_RETURNS, 'sessions on one connection', EVENTS_WINDOW_SECONDS);
  readonly #listeners = new WeakMap<Socket, (data: string | Buffer) => void>();

  constructor(private readonly config: SocketConfig) {
    const { RATE_LIMIT_EVENTS: events, RATE_LIMIT_BYTES: bytes } = config;
    if (events > 0) this.#events = new Limit(events, 'events', EVENTS_WINDOW_SECONDS);
    if (bytes > 0) this.#bytes = new Limit(bytes, 'bytes', BYTES_WINDOW_SECONDS);
  }

  /** A middleware of one socket. */
  middlewareOf(socket: Socket): (event: Event, next: () => void) => void {
    if ((!this.#events && !this.#bytes) || isExempt(socket.handshake.address, this.config)) {
      return (_event, next) => next();
    }
    let bytes = 0;
    // Messages come before their events, which are decoded and handed on in the next tick.
    if (this.#bytes) {
      this.count(socket, (length) => {
        bytes += length;
        if (bytes <= MOST_UNCOUNTED_BYTES) return;
        void this.countBytes(socket, bytes);
        bytes = 0;
      });
    }
    return ([, ...args], next) => {
      const size = bytes;
      bytes = 0;
      void this.pass(socket, size, args, next);
    };
  }

  /**
   * Counts a session that is begun on a connection that has had one.
   *
   * @throws {ProblemError} `RATE_LIMITED`
   */
  async comeBack(socket: Socket): Promise<void> {
    const refusal = await this.#returns.consume(idOf(socket), 1);
    if (refusal) throw refused(refusal);
  }

  /** The client of a connection has left; it may come back on the same one. */
  release(socket: Socket): void {
    const listener = this.#listeners.get(socket);
    if (listener) socket.conn.off('data', listener);
  }

  private count(socket: Socket, add: (length: number) => void): void {
    const listener = ({ length }: string | Buffer): void => add(length);
    this.#listeners.set(socket, listener);
    socket.conn.on('data', listener);
  }

  private async pass(socket: Socket, size: number, args: readonly unknown[], next: () => void): Promise<void> {
    const key = keyOf(socket);
    const tooMany = await this.#events?.consume(key, 1);
    const tooMuch = await this.#bytes?.consume(key, size);
    const refusal = tooMany ?? tooMuch;
    if (!refusal) return next();
    ackProblem(args, refused(refusal));
    const goesOn = (tooMany?.excess ?? 0) > MOST_REFUSED_EVENTS || (tooMuch?.excess ?? 0) > MOST_REFUSED_BYTES;
    if (goesOn) socket.disconnect(true);
  }

  /** Bytes of no event, such as those of acks. */
  private async countBytes(socket: Socket, size: number): Promise<void> {
    const tooMuch = await this.#bytes?.consume(keyOf(socket), size);
    if ((tooMuch?.excess ?? 0) > MOST_REFUSED_BYTES) socket.disconnect(true);
  }
}

/** A guest may become a user. */
function keyOf(socket: Socket): string {
  const userId = identityOf(socket)?.userId;
  return userId === undefined ? `connection ${idOf(socket)}` : `user ${userId}`;
}

/** Of the connection: that of the socket is another one whenever its client comes back. */
function idOf({ conn }: Socket): string {
  return (conn as unknown as { id: string }).id;
}

function refused({ detail, retryAfterSeconds }: Refusal): ProblemError {
  return new ProblemError('RATE_LIMITED', `${detail}; wait ${retryAfterSeconds} s`, { retryAfterSeconds });
}
