import { Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import type { ServerResponse } from 'node:http';
import type { Action } from '#contracts';
import { Ledger } from '#ledger';

/** Time between two looks into the ledger, in milliseconds. */
const LOOK_EVERY_MS = 25;

/** Most requests that wait at once: each look asks for all of them. */
const MOST_WAITING = 5_000;

/** Ends the waiting of one request, with what it has waited for or without. */
type End = (action?: Action) => void;

/** What is answered: when it is closed, nobody waits any more. */
type Answer = Pick<ServerResponse, 'closed' | 'once' | 'off'>;

/**
 * Waits for outcomes on behalf of requests with `Prefer: wait`. The api subscribes to
 * nothing; all waiting requests share one look into the ledger.
 */
@Injectable()
export class OutcomeWaiter implements BeforeApplicationShutdown {
  readonly #waiting = new Map<string, Set<End>>();
  #count = 0;
  #isScheduled = false;
  #isEnding = false;

  constructor(private readonly ledger: Ledger) {}

  /**
   * Resolves to the finished action; to nothing when the time is over, the client has gone or
   * the process ends.
   *
   * @returns nothing when nobody can wait here any more
   */
  wait(id: string, milliseconds: number, answer: Answer): Promise<Action | undefined> | undefined {
    if (this.#isEnding || this.#count >= MOST_WAITING || answer.closed) return undefined;
    return new Promise((resolve) => {
      const end: End = (action) => {
        clearTimeout(timer);
        answer.off('close', leave);
        this.remove(id, end);
        resolve(action);
      };
      const leave = (): void => end();
      const timer = setTimeout(leave, milliseconds);
      answer.once('close', leave);
      this.add(id, end);
      this.schedule();
    });
  }

  /** Whoever waits still gets the 202: another instance tells the outcome as well. */
  beforeApplicationShutdown(): void {
    this.#isEnding = true;
    for (const ends of this.#waiting.values()) for (const end of ends) end();
  }

  private add(id: string, end: End): void {
    const ends = this.#waiting.get(id);
    if (ends) ends.add(end);
    else this.#waiting.set(id, new Set([end]));
    this.#count += 1;
  }

  private remove(id: string, end: End): void {
    const ends = this.#waiting.get(id);
    if (!ends?.delete(end)) return;
    this.#count -= 1;
    if (ends.size === 0) this.#waiting.delete(id);
  }

  private schedule(): void {
    if (this.#isScheduled || this.#waiting.size === 0) return;
    this.#isScheduled = true;
    setTimeout(() => void this.look(), LOOK_EVERY_MS);
  }

  private async look(): Promise<void> {
    // While Postgres is away, the requests wait on, until their time is over.
    const finished = await this.ledger.findFinished([...this.#waiting.keys()]).catch(() => []);
    for (const action of finished) for (const end of this.#waiting.get(action.id) ?? []) end(action);
    this.#isScheduled = false;
    this.schedule();
  }
}
