import { Injectable } from '@nestjs/common';
import type { Action } from '#contracts';
import { Ledger } from '#ledger';

/** Time between two looks into the ledger, in milliseconds. */
const LOOK_EVERY_MS = 25;

interface Waiter {
  resolve: (action: Action | undefined) => void;
  deadline: number;
}

/**
 * Waits for outcomes on behalf of requests with `Prefer: wait`. The api subscribes to
 * nothing; all waiting requests share one look into the ledger.
 */
@Injectable()
export class OutcomeWaiter {
  readonly #waiting = new Map<string, Waiter[]>();
  #isScheduled = false;

  constructor(private readonly ledger: Ledger) {}

  /** Resolves to the finished action, or to nothing when the time is over. */
  wait(id: string, milliseconds: number): Promise<Action | undefined> {
    return new Promise((resolve) => {
      const waiter: Waiter = { resolve, deadline: performance.now() + milliseconds };
      this.#waiting.set(id, [...(this.#waiting.get(id) ?? []), waiter]);
      this.schedule();
    });
  }

  private schedule(): void {
    if (this.#isScheduled || this.#waiting.size === 0) return;
    this.#isScheduled = true;
    setTimeout(() => void this.look(), LOOK_EVERY_MS);
  }

  private async look(): Promise<void> {
    // While Postgres is away, the requests wait on, until their deadline.
    const finished = await this.ledger.findFinished([...this.#waiting.keys()]).catch(() => []);
    for (const action of finished) this.settle(action.id, action);
    const now = performance.now();
    for (const [id, waiters] of this.#waiting) {
      const left = waiters.filter(({ deadline }) => deadline > now);
      for (const waiter of waiters) if (!left.includes(waiter)) waiter.resolve(undefined);
      if (left.length > 0) this.#waiting.set(id, left);
      else this.#waiting.delete(id);
    }
    this.#isScheduled = false;
    this.schedule();
  }

  private settle(id: string, action: Action): void {
    for (const { resolve } of this.#waiting.get(id) ?? []) resolve(action);
    this.#waiting.delete(id);
  }
}
