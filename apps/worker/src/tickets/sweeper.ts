import { Injectable, Logger, type OnApplicationBootstrap, type BeforeApplicationShutdown } from '@nestjs/common';
import { WorkerConfig } from '#config';
import { Database } from '#database';
import { Ledger, oldestUnfinishedStatement } from '#ledger';
import { TicketQueue, type TicketEntry } from '#queue';

/** Most actions that one sweep ticket stands for. */
const SWEEP_SIZE = 500;

/** Key of the lock that lets one worker sweep at a time. */
const SWEEP_LOCK = 7_236_745;

/**
 * Looks after actions that have no ticket (any more): Redis was away, or lost it.
 *
 * A timer in every worker, not a scheduled job: it must survive the loss of everything in
 * Redis. All it does is add one ticket with a fixed id that asks for the oldest unfinished
 * actions; while there is one already, that changes nothing.
 */
@Injectable()
export class Sweeper implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(Sweeper.name);
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(
    private readonly database: Database,
    private readonly ledger: Ledger,
    private readonly tickets: TicketQueue,
    private readonly config: WorkerConfig,
  ) {}

  onApplicationBootstrap(): void {
    this.schedule();
  }

  beforeApplicationShutdown(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  /** The actions that a sweep ticket stands for. */
  async oldest(): Promise<TicketEntry[]> {
    const keys = await oldestUnfinishedStatement(this.database, this.config.SWEEP_AFTER_MS, SWEEP_SIZE);
    return keys.map(({ id, resourceId, parentId }) =>
      parentId === null ? [id, resourceId] : [id, resourceId, parentId],
    );
  }

  /** A full sweep is followed by another at once. */
  async continue(swept: number): Promise<void> {
    if (swept === SWEEP_SIZE) setImmediate(() => void this.sweep());
  }

  private schedule(): void {
    this.#timer = setTimeout(
      () => void this.sweep().finally(() => !this.#stopped && this.schedule()),
      this.config.SWEEP_INTERVAL_MS,
    );
  }

  private async sweep(): Promise<void> {
    if (!this.tickets.isReady) return;
    try {
      if (await this.isNeeded()) await this.tickets.addSweep();
    } catch (error) {
      this.logger.warn(`could not look for unfinished actions: ${String(error)}`);
    }
  }

  private async isNeeded(): Promise<boolean> {
    return this.database.transaction(async (sql) => {
      const [{ mine } = { mine: false }] = await sql.query<{ mine: boolean }>(
        'select pg_try_advisory_xact_lock($1) as mine',
        [SWEEP_LOCK],
      );
      if (!mine) return false;
      return (await oldestUnfinishedStatement(sql, this.config.SWEEP_AFTER_MS, 1)).length > 0;
    });
  }
}
