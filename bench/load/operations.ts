/** Matches answers with outcomes, whichever comes first. */
export class Operations {
  /** Submit to outcome, in milliseconds, of all that are done. */
  readonly latencies: number[] = [];
  /** Called with each that is done. */
  onDone: () => void = () => undefined;
  readonly #waiting = new Map<string, number>();
  /** Outcomes whose answer has not come yet. */
  readonly #early = new Map<string, number>();

  get waiting(): number {
    return this.#waiting.size;
  }

  accepted(id: string, sentAt: number): void {
    const heardAt = this.#early.get(id);
    if (heardAt === undefined) {
      this.#waiting.set(id, sentAt);
      return;
    }
    this.#early.delete(id);
    this.done(heardAt - sentAt);
  }

  heard(id: string): void {
    const now = performance.now();
    const sentAt = this.#waiting.get(id);
    if (sentAt === undefined) {
      this.#early.set(id, now);
      return;
    }
    this.#waiting.delete(id);
    this.done(now - sentAt);
  }

  done(latency: number): void {
    this.latencies.push(latency);
    this.onDone();
  }

  forget(): void {
    this.latencies.length = 0;
    this.#waiting.clear();
    this.#early.clear();
  }
}
