import type { OutcomeEnvelope } from '#contracts';

type Result = IteratorResult<OutcomeEnvelope, undefined>;

/** Outcomes as an async iterator. One counts as handled when the next is asked for. */
export class OutcomeIterator implements AsyncIterableIterator<OutcomeEnvelope, undefined> {
  readonly #onReturn: () => void;
  readonly #pulls: ((result: Result) => void)[] = [];
  #offered: OutcomeEnvelope | undefined;
  #handled: (() => void) | undefined;
  #isEnded = false;

  /** @param onReturn is called when nobody wants more of it */
  constructor(onReturn: () => void) {
    this.#onReturn = onReturn;
  }

  /** Resolves when the outcome is handled. The next one must not be offered before. */
  offer(outcome: OutcomeEnvelope): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#handled = resolve;
    const pull = this.#pulls.shift();
    if (pull) pull({ done: false, value: outcome });
    else this.#offered = outcome;
    // Someone asks for the next one already.
    if (this.#pulls.length > 0) resolve();
    return promise;
  }

  next(): Promise<Result> {
    if (this.#isEnded) return Promise.resolve({ done: true, value: undefined });
    const value = this.#offered;
    if (value) {
      this.#offered = undefined;
      return Promise.resolve({ done: false, value });
    }
    const { promise, resolve } = Promise.withResolvers<Result>();
    this.#pulls.push(resolve);
    this.#handled?.();
    return promise;
  }

  return(): Promise<Result> {
    this.#isEnded = true;
    this.#onReturn();
    this.#handled?.();
    for (const pull of this.#pulls.splice(0)) pull({ done: true, value: undefined });
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
