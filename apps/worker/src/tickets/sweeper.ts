import { Injectable, Logger, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { WorkerConfig } from '#config';
import { Database, type Sql } from '#database';
import {
  claimOrphansStatement,
  isAnyUnfinishedStatement,
  nextPieceStatement,
  oldestUnfinishedStatement,
  type BacklogPiece,
} from '#ledger';
import { TicketQueue, type TicketEntry } from '#queue';
import { counter } from '#telemetry';
import { ExpiryService } from './expiry.service.ts';
import { RetentionService } from './retention.service.ts';

const sweepCount = counter('sweeps', 'Looks of this worker for actions that nobody else looks after');
const sweptCount = counter('swept_actions', 'Actions without a ticket that were found');

/** Most actions that one sweep ticket stands for. */
const SWEEP_SIZE = 500;

/** Most unfinished actions among which they are looked for at once. */
const PIECE = 10_000;

/** How long an action whose process died waits for its next attempt, in milliseconds. */
const ORPHAN_MS = 1_000;

/** Key of the lock that lets one worker sweep at a time. */
const SWEEP_LOCK = 7_236_745;

/** Time between two looks whether it is this worker's turn to run the retention, in milliseconds. */
const RETENTION_LOOK_MS = 60_000;

/**
 * Looks after actions that have no ticket (any more), because Redis was away or lost it,
 * and after those whose time is over.
 *
 * A timer in every worker, not a scheduled job: it must survive the loss of everything in
 * Redis. For the former it adds one ticket with a fixed id that asks for the oldest
 * unfinished actions; while there is one already, that changes nothing.
 */
@Injectable()
export class Sweeper implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(Sweeper.name);
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;
  #retentionAt = 0;
  /** What was looked at last: it may wait for something that takes long, and would hide the rest. */
  #seen: BacklogPiece | undefined;

  constructor(
    private readonly database: Database,
    private readonly tickets: TicketQueue,
    private readonly expiry: ExpiryService,
    private readonly retention: RetentionService,
    private readonly config: WorkerConfig,
  ) {}

  onApplicationBootstrap(): void {
    this.schedule(this.config.SWEEP_INTERVAL_MS);
  }

  beforeApplicationShutdown(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  /**
   * The actions that a sweep ticket stands for. Those whose process died while it performed
   * them get tickets of their own instead, started once: it takes one more death to be suspected.
   */
  async oldest(): Promise<TicketEntry[]> {
    const piece = await nextPieceStatement(this.database, PIECE, this.#seen);
    const keys = await oldestUnfinishedStatement(this.database, this.config.SWEEP_AFTER_MS, SWEEP_SIZE, piece);
    this.#seen = keys.length < SWEEP_SIZE ? piece : { ...piece, upTo: keys.at(-1)!.seq };
    sweptCount.inc(keys.length);
    const [waiting, orphans]: [TicketEntry[], TicketEntry[]] = [[], []];
    for (const { id, resourceId, parentId, isRunning } of keys) {
      (isRunning ? orphans : waiting).push(parentId === null ? [id, resourceId] : [id, resourceId, parentId]);
    }
    if (orphans.length > 0) await this.adopt(orphans);
    return waiting;
  }

  private async adopt(orphans: readonly TicketEntry[]): Promise<void> {
    const ids = orphans.map(([id]) => id);
    const mine = await claimOrphansStatement(this.database, ids, ORPHAN_MS);
    const adopted = orphans.filter(([id]) => mine.has(id));
    if (adopted.length > 0) await this.tickets.addOrphans(adopted, ORPHAN_MS);
  }

  /** A full sweep is followed by another at once. */
  done(swept: number): void {
    if (swept === SWEEP_SIZE) this.schedule(0);
  }

  private schedule(afterMs: number): void {
    clearTimeout(this.#timer);
    if (this.#isStopped) return;
    this.#timer = setTimeout(
      () => void this.sweep().finally(() => this.schedule(this.config.SWEEP_INTERVAL_MS)),
      afterMs,
    );
  }

  private async sweep(): Promise<void> {
    try {
      await this.database.transaction(async (sql) => {
        if (!(await isMyTurn(sql))) return;
        sweepCount.inc();
        await this.expiry.expire();
        if (await isAnyUnfinishedStatement(sql, this.config.SWEEP_AFTER_MS)) await this.tickets.addSweep();
      });
      await this.retain();
    } catch (error) {
      this.logger.warn(`could not sweep: ${String(error)}`);
    }
  }

  private async retain(): Promise<void> {
    const now = performance.now();
    if (now < this.#retentionAt) return;
    this.#retentionAt = now + RETENTION_LOOK_MS;
    await this.retention.run();
  }
}

/** Keeps workers from doing the same at the same moment; all of it is harmless when done twice. */
async function isMyTurn(sql: Sql): Promise<boolean> {
  const [row] = await sql.query<{ mine: boolean }>('select pg_try_advisory_xact_lock($1) as mine', [SWEEP_LOCK]);
  return row!.mine;
}
