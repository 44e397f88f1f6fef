import { NOT_HANDLED } from './serial-listener.ts';

type Result<Event> = IteratorResult<Event, undefined>;

/** Events as an async iterator. One counts as handled when the next is asked for. */
export class EventIterator<Event extends object> implements AsyncIterableIterator<Event, undefined> {
  readonly #onReturn: () => void;
  readonly #pulls: ((result: Result<Event>) => void)[] = [];
  #offered: Event | undefined;
  #handled: ((result?: typeof NOT_HANDLED) => void) | undefined;
  #isEnded = false;

  /** @param onReturn is called when nobody wants more of it */
  constructor(onReturn: () => void) {
    this.#onReturn = onReturn;
  }

  /**
   * Resolves when the event is handled, or with {@link NOT_HANDLED} when it was not asked for before
   * the loop was left. The next one must not be offered before, and none after {@link return}.
   */
  offer(event: Event): Promise<typeof NOT_HANDLED | undefined> {
    const { promise, resolve } = Promise.withResolvers<typeof NOT_HANDLED | undefined>();
    this.#handled = resolve;
    const pull = this.#pulls.shift();
    if (pull) pull({ done: false, value: event });
    else this.#offered = event;
    // Someone asks for the next one already.
    if (this.#pulls.length > 0) resolve(undefined);
    return promise;
  }

  next(): Promise<Result<Event>> {
    if (this.#isEnded) return Promise.resolve({ done: true, value: undefined });
    const value = this.#offered;
    if (value) {
      this.#offered = undefined;
      return Promise.resolve({ done: false, value });
    }
    const { promise, resolve } = Promise.withResolvers<Result<Event>>();
    this.#pulls.push(resolve);
    this.#handled?.();
    return promise;
  }

  return(): Promise<Result<Event>> {
    this.#isEnded = true;
    this.#onReturn();
    this.#handled?.(this.#offered && NOT_HANDLED);
    this.#offered = undefined;
    for (const pull of this.#pulls.splice(0)) pull({ done: true, value: undefined });
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
