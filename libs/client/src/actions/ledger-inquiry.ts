import type { Action } from '#contracts';
import { fullJitter, LONGEST_TIMER_MS } from '../retry.ts';
import { TidingsError } from '../tidings-error.ts';
import type { PendingActions } from './pending-actions.ts';

/** Most requests at once. */
const AT_ONCE = 4;

/** Pauses between two looks at what is unanswered, in milliseconds, while no socket tells. */
const OFFLINE = { leastMs: 250, baseMs: 500, mostMs: 10_000 };

/** The same while a socket tells: a net that should never catch anything. */
const ONLINE = { leastMs: 15_000, baseMs: 15_000, mostMs: 60_000 };

/** Whoever asks on makes it worse. */
const OVERLOADED: ReadonlySet<string> = new Set(['RATE_LIMITED', 'UNAVAILABLE']);

export interface LedgerInquiryOptions {
  pending: PendingActions;
  /** Asks the ledger once. */
  get: (id: string) => Promise<Action>;
  isOnline: () => boolean;
}

/** Asks the ledger about unanswered actions whose outcome the socket does not, or might not, tell. */
export class LedgerInquiry {
  readonly #options: LedgerInquiryOptions;
  readonly #asking = new Set<string>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #looks = 0;
  /** When the server is ready to be asked again, as a time. */
  #readyAt = 0;
  #isClosed = false;

  constructor(options: LedgerInquiryOptions) {
    this.#options = options;
  }

  /** There is something to wait for. */
  expect(): void {
    if (this.#timer === undefined) this.restart();
  }

  /** It came online or went offline: what is unanswered is looked at in another rhythm. */
  restart(): void {
    this.#looks = 0;
    this.schedule();
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  /** Asks about these actions now. What is left when the server cannot keep up is asked about later. */
  async ask(ids: readonly string[]): Promise<void> {
    const left = ids.filter((id) => !this.#asking.has(id));
    for (const id of left) this.#asking.add(id);
    const work = async (): Promise<void> => {
      for (let id = left.shift(); id !== undefined; id = left.shift()) {
        const error = await this.askOne(id);
        this.#asking.delete(id);
        if (!error || !OVERLOADED.has(error.code)) continue;
        for (const other of left.splice(0)) this.#asking.delete(other);
        this.#readyAt = Math.max(this.#readyAt, Date.now() + (error.retryAfterMs ?? 0));
        this.schedule();
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
  }

  /** @returns why it was not answered */
  private async askOne(id: string): Promise<TidingsError | undefined> {
    const { pending, get } = this.#options;
    if (this.#isClosed || !pending.isUnanswered(id)) return undefined;
    try {
      const action = await get(id);
      if (action.done) pending.settle(action);
      return undefined;
    } catch (error) {
      if (!(error instanceof TidingsError)) return undefined;
      if (error.code === 'NOT_FOUND') pending.forget(id, error);
      // Another token may be good again.
      if (error.code === 'UNAUTHENTICATED' || error.code === 'TOKEN_EXPIRED') pending.rejectForNow(id, error);
      return error;
    }
  }

  private schedule(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const { pending, isOnline } = this.#options;
    if (this.#isClosed || pending.unanswered.length === 0) return;
    const { leastMs, ...pauses } = isOnline() ? ONLINE : OFFLINE;
    const pause = Math.max(0, this.#readyAt - Date.now()) + leastMs + fullJitter(this.#looks, pauses);
    this.#timer = setTimeout(() => void this.look(), Math.min(pause, LONGEST_TIMER_MS));
  }

  private async look(): Promise<void> {
    this.#looks += 1;
    await this.ask(this.#options.pending.unanswered.map(({ id }) => id));
    this.schedule();
  }
}
