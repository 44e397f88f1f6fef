/** Shortest time between two reports, in milliseconds. */
const EVERY_MS = 1_000;

/** Tells the server how far the user has handled the own channel: at once, and then now and then. */
export class DeliveredReports {
  readonly #send: (cursor: string) => boolean;
  #latest: string | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param send gives false while it cannot be sent */
  constructor(send: (cursor: string) => boolean) {
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

  /** Sends what waits; what cannot be sent waits on. */
  flush(): void {
    if (this.#latest !== undefined && this.#send(this.#latest)) this.#latest = undefined;
  }

  close(): void {
    this.flush();
    clearTimeout(this.#timer);
  }
}
