import { setTimeout as after } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { encodeCursor, ProblemError, type AcceptedAction } from '#contracts';
import { isRefused, isTimedOut, isTransient, isUnavailable } from '#database';
import { Ledger, type NewAction, type RecalledAction } from '#ledger';
import { TicketQueue, type TicketEntry } from '#queue';
import { checkpoint, counter, durations } from '#telemetry';

/** Most actions in one flush. */
const FLUSH_SIZE = 500;

/** Flushes under way at once; further actions gather meanwhile, which costs less than a flush of their own. */
const CONCURRENCY = 2;

/** So long a flush is alone, in milliseconds: who waits for a key that somebody else is about to take does not hold up the others. */
const ALONE_MS = 10;

/** Most actions that wait for a flush; beyond it the ledger is too slow for what comes in. */
const MOST_WAITING = 10_000;

/** How long, and how far apart, in milliseconds, the ledger is asked what became of a lost statement. */
const REREAD_FOR_MS = 3_000;
const REREAD_EVERY_MS = 300;

const acceptSeconds = durations('accept', 'From a submit that is valid to its commit in the ledger');
const acceptedCount = counter('actions_accepted', 'Actions committed to the ledger');
const failureCount = counter('accept_failures', 'Submits refused since the ledger could not be reached');

/** An accepted action, and whether its idempotency key had brought it in before. */
export interface Accepted {
  action: AcceptedAction;
  replayed: boolean;
}

interface Waiting {
  action: NewAction;
  /** When it came, as `performance.now()` says. */
  since: number;
  resolve: (accepted: Accepted) => void;
  reject: (error: unknown) => void;
}

/**
 * Puts actions into the ledger, and asks for their tickets: the actions of one moment share the
 * INSERT and the enqueue. Alone, an action waits for nobody. Its ticket does not wait for the
 * disk, as its answer does: see docs/adr/0011-tickets-before-the-disk.md.
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
  /** When the latest flush began. */
  #begunAt = -Infinity;
  #second: NodeJS.Timeout | undefined;
  /** Flushes of which the ledger does not tell whether they are committed: meanwhile nothing is taken. */
  readonly #lost = new Set<readonly Waiting[]>();

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
  async accept(action: NewAction): Promise<Accepted> {
    if (this.#lost.size > 0 || this.#waiting.length >= MOST_WAITING) {
      failureCount.inc();
      if (this.#lost.size > 0) throw unavailable();
      throw new ProblemError('UNAVAILABLE', 'Too many actions are waiting to be recorded', { retryAfterSeconds: 1 });
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ action, since: performance.now(), resolve, reject });
      this.schedule();
    });
  }

  private schedule(): void {
    if (this.#scheduled || this.#running >= CONCURRENCY || this.#waiting.length === 0) return;
    const wait = this.#running === 0 ? 0 : this.#begunAt + ALONE_MS - performance.now();
    if (wait > 0) return this.scheduleSecond(wait);
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      void this.flush();
    });
  }

  private scheduleSecond(wait: number): void {
    if (this.#second) return;
    this.#second = setTimeout(() => {
      this.#second = undefined;
      this.schedule();
    }, wait);
  }

  private async flush(): Promise<void> {
    const flush = this.take();
    if (flush.length === 0) return;
    this.#running += 1;
    this.#begunAt = performance.now();
    this.schedule();
    try {
      await this.write(flush);
    } finally {
      this.#running -= 1;
      for (const { action } of flush) this.#busyResources.delete(action.resourceId);
      this.schedule();
    }
  }

  /**
   * The next flush: what waits, in its order, save for resources that another flush is writing,
   * and for those whose parent it is writing: a room must not come after its messages.
   */
  private take(): Waiting[] {
    const flush: Waiting[] = [];
    const left: Waiting[] = [];
    const busy = new Set(this.#busyResources);
    for (const waiting of this.#waiting) {
      const { resourceId, parentId } = waiting.action;
      const isBusy = busy.has(resourceId) || (parentId !== undefined && busy.has(parentId));
      if (!isBusy && flush.length < FLUSH_SIZE) flush.push(waiting);
      else {
        left.push(waiting);
        busy.add(resourceId);
      }
    }
    this.#waiting = left;
    for (const { action } of flush) this.#busyResources.add(action.resourceId);
    return flush;
  }

  /** @returns false when the ledger does not answer any more */
  private async write(flush: readonly Waiting[]): Promise<boolean> {
    try {
      await checkpoint('accept.before-commit');
      const actions = flush.map(({ action }) => action);
      const accepted = await this.ledger.accept(actions, (visible) => {
        void this.enqueue(flush.filter(({ action }) => visible.has(action.id)));
      });
      const others = this.answer(flush, accepted);
      if (others.length > 0) await this.recall(others);
    } catch (error) {
      if (isUnavailable(error)) return this.reread(flush, error);
      // One bad row must not take its neighbours with it.
      if (flush.length > 1 && !isTimedOut(error)) return this.writeEach(flush);
      rejectAll(flush, isTransient(error) ? unavailable(error) : error);
    }
    return true;
  }

  private async writeEach(flush: readonly Waiting[]): Promise<boolean> {
    for (const [index, waiting] of flush.entries()) {
      if (await this.write([waiting])) continue;
      // Each of them would be waited for.
      refuse(flush.slice(index + 1));
      return false;
    }
    return true;
  }

  /**
   * Answers those that are accepted.
   *
   * @returns the others
   */
  private answer(flush: readonly Waiting[], accepted: ReadonlyMap<string, AcceptedAction>): Waiting[] {
    const [mine, others] = [[], []] as [Waiting[], Waiting[]];
    for (const waiting of flush) (accepted.has(waiting.action.id) ? mine : others).push(waiting);
    const now = performance.now();
    acceptedCount.inc(mine.length);
    for (const { since } of mine) acceptSeconds.observe((now - since) / 1_000);
    for (const { action, resolve } of mine) resolve({ action: accepted.get(action.id)!, replayed: false });
    return others;
  }

  /** The connection was lost: what was committed all the same is accepted. */
  private async reread(flush: readonly Waiting[], cause: unknown): Promise<boolean> {
    const committed = isRefused(cause) ? undefined : await this.committedOf(flush);
    if (!committed) {
      refuse(flush, cause);
      return false;
    }
    void this.enqueue(flush.filter(({ action }) => committed.has(action.id)));
    refuse(this.answer(flush, committed), cause);
    return true;
  }

  /**
   * What was committed of a flush; nothing when the ledger does not tell in time, since it may
   * hang. Meanwhile nobody stands in line: what is not written yet may simply be tried again.
   */
  private async committedOf(flush: readonly Waiting[]): Promise<ReadonlyMap<string, AcceptedAction> | undefined> {
    const actions = flush.map(({ action }) => action);
    const deadline = performance.now() + REREAD_FOR_MS;
    try {
      for (let left = REREAD_FOR_MS; left > 0; left = deadline - performance.now()) {
        const committed = this.ledger.acceptedBefore(actions).catch(() => undefined);
        const known = await Promise.race([committed, after(left, undefined, { ref: false })]);
        if (known) return known;
        this.#lost.add(flush);
        refuse(this.#waiting.splice(0));
        await after(REREAD_EVERY_MS);
      }
      return undefined;
    } finally {
      this.#lost.delete(flush);
    }
  }

  /** Asks for the tickets of what is committed. Not waited for: what Redis does not take now, the sweeper finds. */
  private async enqueue(flush: readonly Waiting[]): Promise<void> {
    if (flush.length === 0) return;
    await checkpoint('accept.after-commit');
    const types = new Set(flush.map(({ action }) => action.type));
    const name = types.size === 1 ? flush[0]!.action.type : 'actions';
    await this.tickets.add(name, entriesOf(flush));
    await checkpoint('accept.after-enqueue');
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

/**
 * The first of each resource, parent and owner: whoever applies it goes on with those behind
 * it, and publishes again for its owner.
 */
function entriesOf(flush: readonly Waiting[]): TicketEntry[] {
  const first = new Map<string, TicketEntry>();
  for (const { action } of flush) {
    const key = `${action.resourceId} ${action.parentId ?? ''} ${action.owner}`;
    if (!first.has(key)) first.set(key, entryOf(action));
  }
  return [...first.values()];
}

function entryOf({ id, resourceId, parentId }: NewAction): TicketEntry {
  return parentId === undefined ? [id, resourceId] : [id, resourceId, parentId];
}

/** Refuses what is not known to be committed: with its key it may come again. */
function refuse(flush: readonly Waiting[], cause?: unknown): void {
  failureCount.inc(flush.length);
  rejectAll(flush, unavailable(cause));
}

function rejectAll(flush: readonly Waiting[], error: unknown): void {
  for (const { reject } of flush) reject(error);
}

function unavailable(cause?: unknown): ProblemError {
  return new ProblemError('UNAVAILABLE', 'The ledger cannot be reached; try again', { retryAfterSeconds: 2, cause });
}
