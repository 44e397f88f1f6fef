/** Shortest time between two reports, in milliseconds. */
const EVERY_MS = 1_000;

/**
 * Tells the server how far the user has handled the own channel: at once, and then now and
 * then. What it did not acknowledge is told again on the next connection.
 */
export class DeliveredReports {
  readonly #send: (cursor: string, taken: () => void) => boolean;
  #latest: string | undefined;
  /** What was sent on the present connection last. */
  #sent: string | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param send gives false while it cannot be sent, and says when the server has taken it */
  constructor(send: (cursor: string, taken: () => void) => boolean) {
    this.#send = send;
  }

  note(cursor: string): void {
    this.#latest = cursor;
    if (this.#timer !== undefined) return;
    this.flush();
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.flush();
    }, EVERY_MS);
  }

  /** A connection began: what was sent on the one before may not have arrived. */
  restart(): void {
    this.#sent = undefined;
    this.flush();
  }

  /** Sends what waits; what cannot be sent waits on. */
  flush(): void {
    const cursor = this.#latest;
    if (cursor === undefined || cursor === this.#sent) return;
    const taken = (): void => {
      if (this.#latest === cursor) this.#latest = undefined;
    };
    if (this.#send(cursor, taken)) this.#sent = cursor;
  }

  close(): void {
    this.flush();
    clearTimeout(this.#timer);
  }
}
