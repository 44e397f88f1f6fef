import { Injectable, Logger } from '@nestjs/common';
import { isUnavailable } from '#database';
import { FinishedElsewhereError, type UnfinishedRow } from '#ledger';
import { TicketQueue, type TicketEntry } from '#queue';
import { checkpoint } from '#telemetry';
import { ApplyService, type ApplyOptions, type ApplyResult } from './apply.service.ts';
import { FailureService } from './failure.service.ts';
import { HandlerError } from './handlers.ts';
import { Performer } from './performer.ts';
import { PublisherService } from './publisher.service.ts';

/** Most actions in one transaction. */
const BATCH = 500;

/** Transactions under way at once; what comes meanwhile gathers for the next. */
const CONCURRENCY = 2;

/** Waiting times of an action that is blocked, in milliseconds; after the last it gets a ticket of its own. */
const PATIENCE_MS = [2, 5, 10, 20, 40, 80, 160, 320];

/** How long a ticket of its own is delayed, in milliseconds. */
const HANDED_OVER_MS = 500;

/** How long to wait while Postgres is away, in milliseconds. */
const AWAY_MS = 250;

/** A named action in the hands of this process. */
interface Held {
  entry: TicketEntry;
  /** How often it was found blocked. */
  waits: number;
  /** What `perform` resolved to, once it has. */
  performed?: { result: unknown };
  settle: () => void;
}

/**
 * Joins the tickets that this worker holds at one moment into one transaction.
 *
 * A ticket is done when each of its actions is settled: it has an end, or it waits for a
 * retry of its own, or what stands before it on its resource has a ticket that will go on
 * with it. An action whose resource another transaction has locked is none of these: it is
 * tried again until it is.
 */
@Injectable()
export class Joiner {
  private readonly logger = new Logger(Joiner.name);
  readonly #held: Held[] = [];
  #running = 0;
  #scheduled = false;

  constructor(
    private readonly applier: ApplyService,
    private readonly performer: Performer,
    private readonly failures: FailureService,
    private readonly publisher: PublisherService,
    private readonly tickets: TicketQueue,
  ) {}

  /** Applies actions; resolves when each of them is settled. */
  run(entries: readonly TicketEntry[]): Promise<void> {
    if (entries.length === 0) return Promise.resolve();
    return new Promise((resolve) => {
      let left = entries.length;
      const settle = (): void => {
        left -= 1;
        if (left === 0) resolve();
      };
      this.#held.push(...entries.map((entry) => ({ entry, waits: 0, settle })));
      this.schedule();
    });
  }

  private schedule(): void {
    if (this.#scheduled || this.#running >= CONCURRENCY || this.#held.length === 0) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      void this.runBatch();
    });
  }

  private async runBatch(): Promise<void> {
    const batch = this.#held.splice(0, BATCH);
    if (batch.length === 0) return;
    this.#running += 1;
    this.schedule();
    try {
      await this.apply(batch);
    } finally {
      this.#running -= 1;
      this.schedule();
    }
  }

  private async apply(batch: readonly Held[]): Promise<void> {
    try {
      const entries = batch.map(({ entry }) => entry);
      await this.conclude(batch, await this.applier.apply(entries, { performed: resultsOf(batch) }));
    } catch (error) {
      if (isUnavailable(error)) return this.waitForDatabase(batch, error);
      const [first] = batch as [Held];
      if (batch.length === 1 && isOnlyOf(first, error)) return this.fail(first, error);
      // One of them fails, was cancelled meanwhile, or lost a race: each alone, so that nobody pays for a neighbour.
      for (const held of batch) await this.applyAlone(held);
    }
  }

  private async applyAlone(held: Held): Promise<void> {
    const options: ApplyOptions = { only: held.entry[0], performed: resultsOf([held]) };
    try {
      await this.conclude([held], await this.applier.apply([held.entry], options));
    } catch (error) {
      if (error instanceof HandlerError) await this.fail(held, error);
      else if (isUnavailable(error)) this.waitForDatabase([held], error);
      else {
        if (!(error instanceof FinishedElsewhereError)) {
          this.logger.warn(`${held.entry[0]} is tried again: ${String(error)}`);
        }
        this.holdOn(held);
      }
    }
  }

  private async conclude(batch: readonly Held[], result: ApplyResult): Promise<void> {
    await this.publisher.publish(result.envelopes);
    await checkpoint('apply.after-publish');
    await this.publisher.republish(result.known.map(([id]) => id)).catch((error: unknown) => {
      this.logger.warn(`could not publish again: ${String(error)}`);
    });
    const waiting = new Set(result.blocked);
    const mine = new Map(batch.map((held) => [held.entry[0], held]));
    for (const row of result.started) {
      // One that waited in front of ours is followed up by nobody else.
      void this.perform(row, mine.get(row.id) ?? { entry: entryOf(row), waits: 0, settle: () => undefined });
      mine.delete(row.id);
    }
    for (const held of mine.values()) {
      if (waiting.has(held.entry)) this.holdOn(held);
      else this.settle(held);
    }
  }

  /** Performs without holding up anyone, and comes back to be applied. */
  private async perform(row: UnfinishedRow, held: Held): Promise<void> {
    try {
      held.performed = { result: await this.performer.perform(row, row.attempts + 1) };
      this.takeBack(held, 0);
    } catch (error) {
      await this.fail(held, error instanceof HandlerError ? error : new HandlerError([row], error));
    }
  }

  private async fail(held: Held, error: HandlerError): Promise<void> {
    this.performer.release(held.entry[0]);
    delete held.performed;
    try {
      await this.publisher.publish(await this.failures.handle(error, held.entry));
      // Whoever waits behind it goes on, if it has an end now.
      this.holdOn(held);
    } catch {
      // Not recorded: it is simply applied once more.
      this.holdOn(held);
    }
  }

  private settle(held: Held): void {
    this.performer.release(held.entry[0]);
    held.settle();
  }

  /** Tries a blocked action again, soon at first; in the end with a ticket of its own, so that it holds up nobody. */
  private holdOn(held: Held): void {
    const wait = PATIENCE_MS[held.waits];
    if (wait !== undefined) {
      held.waits += 1;
      return this.takeBack(held, wait);
    }
    void this.tickets.add('blocked', [held.entry], HANDED_OVER_MS).then((added) => {
      if (added) this.settle(held);
      else this.takeBack(held, PATIENCE_MS.at(-1)!);
    });
  }

  private waitForDatabase(batch: readonly Held[], error: unknown): void {
    this.logger.warn(`Postgres is away, ${batch.length} actions wait: ${String(error)}`);
    for (const held of batch) this.takeBack(held, AWAY_MS);
  }

  private takeBack(held: Held, afterMs: number): void {
    setTimeout(() => {
      this.#held.push(held);
      this.schedule();
    }, afterMs);
  }
}

/** Whether the handler failed on this action, and on no other. */
function isOnlyOf(held: Held, error: unknown): error is HandlerError {
  return error instanceof HandlerError && error.rows.length === 1 && error.rows[0]!.id === held.entry[0];
}

function resultsOf(batch: readonly Held[]): Map<string, unknown> {
  return new Map(batch.flatMap(({ entry: [id], performed }) => (performed ? [[id, performed.result] as const] : [])));
}

function entryOf({ id, resource_id, parent_id }: UnfinishedRow): TicketEntry {
  return parent_id === null ? [id, resource_id] : [id, resource_id, parent_id];
}
