import { Injectable } from '@nestjs/common';
import { encodeCursor, ProblemError, type AcceptedAction } from '#contracts';
import { isUnavailable } from '#database';
import { Ledger, type NewAction, type RecalledAction } from '#ledger';
import { TicketQueue, type TicketEntry } from '#queue';
import { checkpoint } from '#telemetry';

/** Most actions in one flush. */
const FLUSH_SIZE = 500;

/** Flushes under way at once; further actions gather meanwhile. */
const CONCURRENCY = 2;

/** Most actions that wait for a flush; beyond it the ledger is too slow for what comes in. */
const MOST_WAITING = 10_000;

/** An accepted action, and whether its idempotency key had brought it in before. */
export interface Accepted {
  action: AcceptedAction;
  replayed: boolean;
}

interface Waiting {
  action: NewAction;
  resolve: (accepted: Accepted) => void;
  reject: (error: unknown) => void;
}

/**
 * Puts actions into the ledger, and asks for tickets: the actions of one moment share the
 * INSERT and the enqueue. Alone, an action waits for nobody.
 *
 * Order: actions are taken as they come, and those of one resource are in one flush at a
 * time, so that `seq` follows their arrival here.
 */
@Injectable()
export class Acceptor {
  #waiting: Waiting[] = [];
  readonly #busyResources = new Set<string>();
  #running = 0;
  #scheduled = false;

  constructor(
    private readonly ledger: Ledger,
    private readonly tickets: TicketQueue,
  ) {}

  /**
   * Resolves when the action is committed.
   *
   * @throws {ProblemError} `UNAVAILABLE` while the ledger cannot be reached;
   *   `IDEMPOTENCY_KEY_REUSED` when its key stands for another request
   */
  accept(action: NewAction): Promise<Accepted> {
    if (this.#waiting.length >= MOST_WAITING) {
      throw new ProblemError('UNAVAILABLE', 'Too many actions are waiting to be recorded', { retryAfterSeconds: 1 });
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ action, resolve, reject });
      this.schedule();
    });
  }

  private schedule(): void {
    if (this.#scheduled || this.#running >= CONCURRENCY || this.#waiting.length === 0) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      void this.flush();
    });
  }

  private async flush(): Promise<void> {
    const flush = this.take();
    if (flush.length === 0) return;
    this.#running += 1;
    this.schedule();
    try {
      await this.write(flush);
    } finally {
      this.#running -= 1;
      for (const { action } of flush) this.#busyResources.delete(action.resourceId);
      this.schedule();
    }
  }

  /** The next flush: what waits, in its order, save for resources that another flush is writing. */
  private take(): Waiting[] {
    const flush: Waiting[] = [];
    const left: Waiting[] = [];
    for (const waiting of this.#waiting) {
      const isFree = !this.#busyResources.has(waiting.action.resourceId);
      (isFree && flush.length < FLUSH_SIZE ? flush : left).push(waiting);
    }
    this.#waiting = left;
    for (const { action } of flush) this.#busyResources.add(action.resourceId);
    return flush;
  }

  private async write(flush: readonly Waiting[]): Promise<void> {
    try {
      await checkpoint('accept.before-commit');
      const accepted = await this.ledger.accept(flush.map(({ action }) => action));
      await checkpoint('accept.after-commit');
      const others: Waiting[] = [];
      for (const waiting of flush) {
        const action = accepted.get(waiting.action.id);
        if (action) waiting.resolve({ action, replayed: false });
        else others.push(waiting);
      }
      this.enqueue(flush.filter(({ action }) => accepted.has(action.id)));
      if (others.length > 0) await this.recall(others);
    } catch (error) {
      if (isUnavailable(error)) return rejectAll(flush, unavailable(error));
      // One bad row must not take its neighbours with it.
      if (flush.length > 1) for (const waiting of flush) await this.write([waiting]);
      else rejectAll(flush, error);
    }
  }

  private enqueue(flush: readonly Waiting[]): void {
    if (flush.length === 0) return;
    const types = new Set(flush.map(({ action }) => action.type));
    const name = types.size === 1 ? flush[0]!.action.type : 'actions';
    // Not waited for: what Redis does not take now, the sweeper finds.
    void this.tickets.add(
      name,
      flush.map(({ action }) => entryOf(action)),
    );
  }

  /** Answers those whose idempotency key was known. */
  private async recall(others: readonly Waiting[]): Promise<void> {
    const keys = others.map(({ action }) => ({ owner: action.owner, key: action.idempotency!.key }));
    const known = await this.ledger.recall(keys);
    others.forEach((waiting, index) => {
      const recalled = known[index];
      if (!recalled) {
        // The first use of the key was rolled back after we had met it: the client may simply try again.
        waiting.reject(
          new ProblemError('UNAVAILABLE', 'Another request with this key has just failed', { retryAfterSeconds: 1 }),
        );
      } else if (recalled.fingerprint !== waiting.action.idempotency!.fingerprint) {
        waiting.reject(new ProblemError('IDEMPOTENCY_KEY_REUSED', 'This Idempotency-Key was used for another request'));
      } else {
        waiting.resolve({ action: asFirstAnswered(recalled), replayed: true });
      }
    });
  }
}

/** The action as the first 202 had it. */
function asFirstAnswered({ action, position }: RecalledAction): AcceptedAction {
  return { ...action, cursor: encodeCursor(position) };
}

function entryOf({ id, resourceId, parentId }: NewAction): TicketEntry {
  return parentId === undefined ? [id, resourceId] : [id, resourceId, parentId];
}

function rejectAll(flush: readonly Waiting[], error: unknown): void {
  for (const { reject } of flush) reject(error);
}

function unavailable(cause: unknown): ProblemError {
  return new ProblemError('UNAVAILABLE', 'The ledger cannot be reached; try again', { retryAfterSeconds: 2, cause });
}
