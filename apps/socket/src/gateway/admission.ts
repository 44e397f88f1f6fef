import { Injectable } from '@nestjs/common';
import type { Socket } from 'socket.io';
import { TokenVerifier } from '#auth';
import { SocketConfig } from '#config';
import { ProblemError } from '#contracts';
import { Connections } from '../connections/connections.service.ts';
import { EventLimits } from './event-limits.ts';
import { identify, setIdentity } from './handshake.ts';

/**
 * Who may begin a session on a connection: one at a time, however many are asked for at once.
 * A client may leave and come back on the same connection, but not all the time, and does not
 * keep it without a session.
 */
@Injectable()
export class Admission {
  readonly #asking = new WeakSet<Socket['conn']>();
  /** Until when those may stay that have had a session, and have none. */
  readonly #left = new WeakMap<Socket['conn'], NodeJS.Timeout>();

  constructor(
    private readonly verifier: TokenVerifier,
    private readonly connections: Connections,
    private readonly limits: EventLimits,
    private readonly config: SocketConfig,
  ) {}

  /** A middleware of socket.io, for the beginning of each session. */
  async admit(socket: Socket, next: (error?: Error) => void): Promise<void> {
    const { conn } = socket;
    if (this.#asking.has(conn)) {
      conn.close();
      return next(connectError(new ProblemError('FORBIDDEN', 'A session is being begun on this connection')));
    }
    this.#asking.add(conn);
    try {
      if (this.#left.has(conn)) await this.limits.comeBack(socket);
      const identity = await identify(socket, this.verifier);
      if (!identity && !this.config.ALLOW_GUESTS) {
        throw new ProblemError('UNAUTHENTICATED', 'Guests are not allowed here');
      }
      if (identity) this.connections.assertRoomFor(identity);
      setIdentity(socket, identity);
    } catch (error) {
      this.#asking.delete(conn);
      return next(connectError(error));
    }
    next();
  }

  /** The session has begun; a further one is refused by socket.io. */
  begun({ conn }: Socket): void {
    this.#asking.delete(conn);
    clearTimeout(this.#left.get(conn));
    this.#left.delete(conn);
  }

  /** Its client has left: on the same connection it may come back soon. */
  ended({ conn }: Socket): void {
    if ((conn.readyState as string) !== 'open') return;
    this.#left.set(conn, setTimeout(() => conn.close(), this.config.CONNECT_TIMEOUT_MS).unref());
  }
}

/** socket.io hands `data` to the client's `connect_error`. */
function connectError(error: unknown): Error & { data?: unknown } {
  const problem = error instanceof ProblemError ? error : new ProblemError('INTERNAL');
  return Object.assign(new Error(problem.detail), { data: problem.toProblem() });
}
