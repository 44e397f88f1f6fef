import { Injectable, Logger, type BeforeApplicationShutdown } from '@nestjs/common';
import { WorkerConfig } from '#config';
import { isUnavailable } from '#database';
import { FinishedElsewhereError, type UnfinishedRow } from '#ledger';
import { TicketQueue, type TicketEntry } from '#queue';
import { checkpoint } from '#telemetry';
import { ApplyService, type ApplyOptions, type ApplyResult } from './apply.service.ts';
import { FailureService } from './failure.service.ts';
import { HandlerError } from './handlers.ts';
import { Free, isOnlyOf, Results, type Held } from './held.ts';
import { Lines } from './lines.ts';
import { isSure, LEASE_MS, Performer } from './performer.ts';
import { PublisherService } from './publisher.service.ts';
import { entryOf } from './sort-out.ts';

/** Most actions in one transaction. */
const BATCH = 500;

/** Transactions under way at once; what comes meanwhile gathers for the next, which costs less than to be two. */
const CONCURRENCY = 2;

/** So long a transaction is alone, in milliseconds: who hangs does not hold up the others. */
const ALONE_MS = 6;

/** Further transactions under way at once, of actions that may hold up others. */
const APART_CONCURRENCY = 4;

/** How long what was performed waits for others, in milliseconds: a share for each that is being performed. */
const GATHER_MS_EACH = 1;
const MOST_GATHER_MS = 30;

/**
 * A batch that cannot be applied as a whole, since it took too long or met a conflict, is cut
 * into pieces: of the largest size that is smaller than itself.
 */
const PIECES = [16, 1];

/** Waiting times of an action that is blocked, in milliseconds; after the last it gets a ticket of its own. */
const PATIENCE_MS = [2, 5, 10, 20, 40, 80, 160, 320];

/**
 * How often an action is tried again at once for which there is no room to perform: what others
 * do may take long, and its ticket keeps strangers waiting meanwhile.
 */
const WAITS_FOR_ROOM = 4;

/** How long to wait while Postgres is away, in milliseconds. */
const AWAY_MS = 250;

/** What runs apart from the batches. */
interface Apart {
  held: readonly Held[];
  /** Whether some of them fail: those must be found. */
  isolates?: boolean;
  /** Whether it waits for the lock of its resource: there is one at a time. */
  insists?: boolean;
}

/**
 * Joins the tickets that this worker holds at one moment into one transaction.
 *
 * A ticket is done when each of its actions is settled: it has an end, or it waits for a
 * retry of its own, or what stands before it on its resource has a ticket that will go on
 * with it. An action whose resource another transaction has locked is none of these: it is
 * tried again until it is.
 *
 * What has failed, or was in one transaction with what has, runs apart from the others: once
 * more together, now in savepoints, which tell who fails; in pieces, then alone, where that
 * takes too long. A handler that hangs keeps only those waiting that have met it in one
 * transaction, and its retries keep nobody.
 */
@Injectable()
export class Joiner implements BeforeApplicationShutdown {
  private readonly logger = new Logger(Joiner.name);
  #held: Held[] = [];
  readonly #lines: Lines;
  /** Performed, and gathering. */
  readonly #performed: Held[] = [];
  readonly #apart: Apart[] = [];
  /** Tickets in hand. */
  #tickets = 0;
  #running = 0;
  #runningApart = 0;
  #isInsisting = false;
  #isClosing = false;
  #scheduled = false;
  /** When the latest transaction began. */
  #begunAt = -Infinity;
  #second: NodeJS.Timeout | undefined;
  #gathering: NodeJS.Timeout | undefined;

  constructor(
    private readonly applier: ApplyService,
    private readonly performer: Performer,
    private readonly failures: FailureService,
    private readonly publisher: PublisherService,
    private readonly tickets: TicketQueue,
    private readonly config: WorkerConfig,
  ) {
    this.#lines = new Lines(performer, {
      performed: (held, isAlone) => this.comeToBeApplied(held, isAlone),
      retry: (error) => this.retryAtOnce(error),
      failed: (error, held) => void this.fail(held, error),
      lapsed: (held) => this.takeBack(held, 0),
    });
  }

  beforeApplicationShutdown(): void {
    this.#isClosing = true;
  }

  /**
   * Applies actions; resolves when each of them is settled.
   *
   * @param starts how often their tickets have been started
   */
  run(entries: readonly TicketEntry[], starts = 1): Promise<void> {
    if (entries.length === 0) return Promise.resolve();
    return new Promise((resolve) => {
      let left = entries.length;
      this.#tickets += 1;
      const settle = (): void => {
        left -= 1;
        if (left > 0) return;
        this.#tickets -= 1;
        resolve();
      };
      this.#held.push(...entries.map((entry) => ({ entry, starts, waits: 0, settle })));
      this.schedule();
    });
  }

  private schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      while (this.#runningApart < APART_CONCURRENCY && this.#apart.length > 0) void this.runApart(this.#apart.shift()!);
      if (this.#held.length === 0 || this.#running >= CONCURRENCY) return;
      const wait = this.#running === 0 ? 0 : this.#begunAt + ALONE_MS - performance.now();
      if (wait > 0) this.scheduleSecond(wait);
      else void this.runBatch();
    });
  }

  private scheduleSecond(wait: number): void {
    if (this.#second) return;
    this.#second = setTimeout(() => {
      this.#second = undefined;
      this.schedule();
    }, wait);
  }

  /**
   * What was performed waits a moment for the others that are about to be: the more there are,
   * the sooner the next one comes, and the more is saved by sharing a transaction.
   */
  private gather(): void {
    if (this.#gathering) return;
    const wait = Math.min(MOST_GATHER_MS, this.performer.busy * GATHER_MS_EACH);
    this.#gathering = setTimeout(() => {
      this.#held.push(...this.#performed.splice(0));
      this.#gathering = undefined;
      this.schedule();
    }, wait);
  }

  private async runBatch(): Promise<void> {
    const waiting = [...this.#performed.splice(0), ...this.#held];
    const batch = waiting.slice(0, BATCH);
    this.#held = waiting.slice(BATCH);
    this.#running += 1;
    this.#begunAt = performance.now();
    this.schedule();
    try {
      await this.apply(batch);
    } finally {
      this.#running -= 1;
      this.schedule();
    }
  }

  private async runApart({ held: piece, isolates = false, insists = false }: Apart): Promise<void> {
    this.#runningApart += 1;
    try {
      const isAlone = piece.length === 1 && !isolates;
      const alone = { only: piece[0]!.entry[0], startsNext: true, waitsForLock: insists };
      await this.apply(piece, isAlone ? alone : { isolates });
    } finally {
      if (insists) this.#isInsisting = false;
      this.#runningApart -= 1;
      this.schedule();
    }
  }

  /** Work may queue up here, as long as the tickets it comes from leave room for others. */
  private get startable(): number {
    return this.#tickets < this.config.WORKER_CONCURRENCY ? Infinity : this.performer.free;
  }

  private async apply(
    held: readonly Held[],
    alone: Pick<ApplyOptions, 'only' | 'startsNext' | 'isolates' | 'waitsForLock'> = {},
  ): Promise<void> {
    const batch = held.filter(({ isVoid }) => !isVoid);
    if (batch.length === 0) return;
    const entries = batch.map(({ entry }) => entry);
    const options = { ...alone, performed: new Results(batch), inLine: this.#lines, startable: this.startable };
    try {
      await this.conclude(batch, await this.applier.apply(entries, options));
    } catch (error) {
      const [first] = batch as [Held];
      if (isUnavailable(error)) this.waitForDatabase(batch, error);
      // It was cancelled, say, while we applied it: it is not read again, and so is no obstacle.
      else if (batch.length === 1 && error instanceof FinishedElsewhereError) this.takeBack(first, 0);
      else if (batch.length === 1 && isOnlyOf(first, error)) await this.fail(first, error);
      else if (alone.only === undefined) this.setApart(batch, error);
      else {
        this.logger.warn(`${first.entry[0]} is tried again: ${String(error)}`);
        this.holdOn(first);
      }
    }
  }

  /** One of them fails, or lost a race: apart from the others, so that nobody pays for a neighbour. */
  private setApart(batch: readonly Held[], error: unknown): void {
    if (error instanceof HandlerError && !error.isTimeout) {
      this.#apart.push({ held: batch, isolates: true });
      return this.schedule();
    }
    const size = PIECES.find((piece) => piece < batch.length) ?? 1;
    for (let start = 0; start < batch.length; start += size) this.setAside(batch.slice(start, start + size));
    this.schedule();
  }

  private setAside(held: readonly Held[]): void {
    this.#apart.push({ held });
  }

  private async conclude(all: readonly Held[], result: ApplyResult): Promise<void> {
    // Who has left its line meanwhile must not be put in it again.
    const batch = all.filter(({ isVoid }) => !isVoid);
    const waiting = new Set(result.blocked);
    const behind = new Set(result.more);
    const leased = new Set(result.leased);
    const settled = batch.filter(({ entry }) => !waiting.has(entry) && !behind.has(entry) && !leased.has(entry));
    for (const held of settled) this.#lines.leave(held);
    const free = new Free(settled);
    // What goes on does so at once: a resource must not stand idle while we publish.
    for (const error of result.failed) void this.fail(free.take(entryOf(error.rows[0]!)), error);
    for (const row of result.started) this.lineUp(row, free.take(entryOf(row)), result);
    for (const row of result.apart) this.setAside([free.take(entryOf(row))]);
    for (const entry of result.next) this.takeBack(free.take(entry), 0);
    const done = [...free.rest()].filter((held) => !this.#lines.keep(held));
    for (const { entry } of settled) this.#lines.goOn(entry[1]);
    const own = batch.filter(({ entry }) => leased.has(entry));
    for (const held of batch) {
      if (waiting.has(held.entry)) this.holdOn(held, result.crowded.has(held.entry[1]));
      else if (behind.has(held.entry)) this.takeBack(held, 0);
    }
    this.schedule();
    await this.publisher.publish(result.envelopes);
    await checkpoint('apply.after-publish');
    await this.publisher.republish(result.known.map(([id]) => id)).catch((error: unknown) => {
      this.logger.warn(`could not publish again: ${String(error)}`);
    });
    this.comeBack(own);
    for (const { settle } of done) settle();
  }

  /**
   * Puts an action in line that is marked as being performed. When the one that stood before it has left the line
   * without its end, since it was marked, its turn has not come.
   */
  private lineUp(row: UnfinishedRow, held: Held, { behind, leasedAt }: ApplyResult): void {
    const before = behind.get(row.id);
    if (before === undefined || this.#lines.has(before)) return this.#lines.add(row, held, leasedAt);
    // Otherwise its lease ends by itself, if it is not somebody else's by now.
    const undone = isSure(leasedAt) ? this.applier.undoStart(row.id).catch(() => undefined) : Promise.resolve();
    void undone.then(() => this.takeBack(held, 0));
  }

  /** What was performed comes back; what has failed to be applied before does so alone. */
  private comeToBeApplied(held: Held, isAlone: boolean): void {
    if (isAlone) {
      this.setAside([held]);
      this.schedule();
    } else {
      this.#performed.push(held);
      this.gather();
    }
  }

  /** Without a ticket for its retry, as long as the one it comes from leaves room for others. */
  private async retryAtOnce(error: HandlerError): Promise<number | undefined> {
    if (this.#isClosing || this.#tickets >= this.config.WORKER_CONCURRENCY) return undefined;
    return this.failures.retryAtOnce(error).catch(() => undefined);
  }

  private async fail(held: Held, error: HandlerError): Promise<void> {
    delete held.performed;
    const { ours, lapsed } = await this.#lines.cut(held);
    try {
      const { envelopes, isRetried } = await this.failures.handle(error, held.entry, { behind: ours });
      await this.publisher.publish(envelopes);
      // Whoever waits behind it goes on: now that it has an end, or with the ticket of its retry.
      if (isRetried) held.settle();
      else this.takeBack(held, 0);
    } catch {
      // Not recorded: it is simply applied once more.
      this.holdOn(held);
    }
    // Not before: it might be begun anew with them.
    for (const left of lapsed) this.takeBack(left, 0);
  }

  /**
   * Tries a blocked action again, soon at first; once it waits for the lock, which others may
   * share all the time; in the end it gets a ticket of its own, so that it holds up nobody.
   *
   * @param isCrowded there is no room to perform it: no lock stands in its way
   */
  private holdOn(held: Held, isCrowded = false): void {
    const wait = isCrowded && held.waits >= WAITS_FOR_ROOM ? undefined : PATIENCE_MS[held.waits];
    held.waits += 1;
    if (wait !== undefined) return this.takeBack(held, wait);
    if (!isCrowded && held.waits === PATIENCE_MS.length + 1 && !this.#isInsisting) return this.insist(held);
    if (held.performed) {
      // What it has performed is known to this process only.
      held.waits = PATIENCE_MS.length - 1;
      return this.takeBack(held, PATIENCE_MS.at(-1)!);
    }
    void this.tickets.addBlocked(held.entry, held.starts - 1).then((added) => {
      if (added) held.settle();
      else this.takeBack(held, PATIENCE_MS.at(-1)!);
    });
  }

  private insist(held: Held): void {
    this.#isInsisting = true;
    this.#apart.push({ held: [held], insists: true });
    this.schedule();
  }

  /** Has those that are being performed looked at when their lease should be over: their process may have died. */
  private comeBack(leased: readonly Held[]): void {
    for (const [starts, group] of Map.groupBy(leased, (held) => held.starts)) {
      const entries = group.map(({ entry }) => entry);
      // It has started nothing this time.
      void this.tickets.add('leased', entries, { delayMs: LEASE_MS, starts: starts - 1 }).then((added) => {
        for (const held of group)
          if (added) held.settle();
          else this.takeBack(held, PATIENCE_MS.at(-1)!);
      });
    }
  }

  private waitForDatabase(batch: readonly Held[], error: unknown): void {
    this.logger.warn(`Postgres is away, ${batch.length} actions wait: ${String(error)}`);
    for (const held of batch) this.takeBack(held, AWAY_MS);
  }

  private takeBack(held: Held, afterMs: number): void {
    const take = (): void => {
      this.#held.push(held);
      this.schedule();
    };
    if (afterMs === 0) take();
    else setTimeout(take, afterMs);
  }
}
