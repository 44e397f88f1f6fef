import type { Socket } from 'socket.io';
import type { Identity } from '#auth';
import type { Goaway } from '#contracts';

/** What an instance keeps of a connection. */
export class Connection {
  /** Channels that are open for it. */
  readonly channels = new Set<string>();
  #identity: Identity | null;
  #expiry: NodeJS.Timeout | undefined;

  constructor(
    readonly socket: Socket,
    identity: Identity | null,
  ) {
    this.#identity = identity;
    this.watchExpiry();
  }

  get identity(): Identity | null {
    return this.#identity;
  }

  /** Goes on with a newer token of the same user. */
  renew(identity: Identity): void {
    this.#identity = identity;
    this.watchExpiry();
  }

  /**
   * Tells the client why, and cuts the transport: unlike a disconnect packet, after which
   * socket.io clients stay away, this lets them come back.
   */
  end(reason: Goaway['reason'], reconnectInMs: number): void {
    const goaway: Goaway = { reason, reconnectInMs };
    this.socket.emit('goaway', goaway);
    // After the packet above is written.
    setImmediate(() => this.socket.conn.close());
  }

  dispose(): void {
    clearTimeout(this.#expiry);
  }

  private watchExpiry(): void {
    clearTimeout(this.#expiry);
    if (!this.#identity) return;
    const wait = this.#identity.expiresAt.getTime() - Date.now();
    // Timers take 31 bits; a token that lives longer outlives the connection.
    if (wait < 2 ** 31) this.#expiry = setTimeout(() => this.end('token_expired', 0), Math.max(wait, 0)).unref();
  }
}
