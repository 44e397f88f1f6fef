/** Shortest time between two reports, in milliseconds. */
const EVERY_MS = 1_000;

/** Tells the server now and then how far the user has handled the own channel. */
export class DeliveredReports {
  readonly #send: (cursor: string) => void;
  #latest: string | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(send: (cursor: string) => void) {
    this.#send = send;
  }

  note(cursor: string): void {
    this.#latest = cursor;
    this.#timer ??= setTimeout(() => this.flush(), EVERY_MS);
  }

  /** Sends what waits. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#latest !== undefined) this.#send(this.#latest);
    this.#latest = undefined;
  }
}
