/** What a listener gives for a value that it never looked at. */
export const NOT_HANDLED = Symbol('not handled');

/** @param isHandled false: the listener left before it came to the value */
export type Done = (isHandled: boolean) => void;

interface Waiting<Value> {
  value: Value;
  done: Done;
}

/** Calls a listener with one value at a time: the next one when the promise it returned has settled. */
export class SerialListener<Value> {
  readonly #listener: (value: Value) => unknown;
  readonly #onError: (error: unknown) => void;
  #waiting: Waiting<Value>[] = [];
  #isBusy = false;
  #isEnded = false;

  constructor(listener: (value: Value) => unknown, onError: (error: unknown) => void) {
    this.#listener = listener;
    this.#onError = onError;
  }

  /** @param done is called when the value is handled, be it by throwing, or never will be */
  take(value: Value, done: Done): void {
    if (this.#isEnded) return done(false);
    this.#waiting.push({ value, done });
    if (!this.#isBusy) void this.work();
  }

  /** What waits, or comes later, is not handled any more. */
  end(): void {
    this.#isEnded = true;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { done } of waiting) done(false);
  }

  private async work(): Promise<void> {
    this.#isBusy = true;
    for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) {
      let result: unknown;
      try {
        result = this.#listener(next.value);
        // Without a promise it was handled already: a tick later a reload may have come between.
        if (isPromise(result)) result = await result;
      } catch (error) {
        this.#onError(error);
      }
      next.done(result !== NOT_HANDLED);
    }
    this.#isBusy = false;
  }
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function';
}
