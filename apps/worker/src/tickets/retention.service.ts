import { Injectable, Logger } from '@nestjs/common';
import { ActionCatalogue } from '#actions';
import { WorkerConfig } from '#config';
import { Database, type Sql } from '#database';
import {
  createDayStatement,
  dropOldestDayStatement,
  forgetKeysStatement,
  giveWayStatement,
  missingDaysStatement,
  noteEndedDaysStatement,
  putOffRetentionStatement,
  takeRetentionTurnStatement,
} from '#ledger';

/** Time between two runs, in seconds. */
const EVERY_SECONDS = 3_600;

/** The same after one that failed: on a busy table, a lock may not be had at once. */
const AGAIN_SECONDS = 60;

/** How long to wait for a lock on a table, and everyone else behind us, in milliseconds. */
const LOCK_MS = 200;

/** Most rows that are moved out of a default partition, which nobody can use meanwhile; `migrate` moves more. */
const MOST_MOVED = 10_000;

/** How long an idempotency key is known; the contract says 24 h at least. */
const KEY_HOURS = 25;

/** Most keys that are forgotten at once. */
const KEYS_BATCH = 20_000;

/** How long resources may tidy in one run, in milliseconds: sweeps wait meanwhile. */
const TIDY_MS = 5_000;

/** Keeps the ledger from growing for ever: makes the partitions of coming days, drops those of days gone by. */
@Injectable()
export class RetentionService {
  private readonly logger = new Logger(RetentionService.name);

  constructor(
    private readonly database: Database,
    private readonly catalogue: ActionCatalogue,
    private readonly config: WorkerConfig,
  ) {}

  /** Does what is due, in one worker: while a long reader is in the way, each try holds everyone up. */
  async run(): Promise<void> {
    if (!(await takeRetentionTurnStatement(this.database, AGAIN_SECONDS))) return;
    await noteEndedDaysStatement(this.database);
    while ((await forgetKeysStatement(this.database, KEY_HOURS, KEYS_BATCH)) === KEYS_BATCH);
    const isTidy = await this.tidy();
    const drop = (): Promise<string | null> =>
      this.briefly((sql) => dropOldestDayStatement(sql, this.config.RETENTION_DAYS));
    for (let name = await drop(); name !== null; name = await drop()) this.logger.log(`dropped ${name}`);
    await this.createDays();
    if (isTidy) await putOffRetentionStatement(this.database, EVERY_SECONDS);
  }

  /**
   * Has resources delete what was too much for one action.
   *
   * @returns whether all of it is done; else the next run goes on
   */
  private async tidy(): Promise<boolean> {
    const deadline = performance.now() + TIDY_MS;
    for (const resource of this.catalogue.resources) {
      if (!resource.tidy) continue;
      try {
        while (await this.database.transaction((sql) => resource.tidy!(sql)))
          if (performance.now() > deadline) return false;
      } catch (error) {
        // The rest is not to wait for it.
        this.logger.warn(`could not tidy ${resource.type}: ${String(error)}`);
        return false;
      }
    }
    return true;
  }

  private async createDays(): Promise<void> {
    for (const missing of await missingDaysStatement(this.database)) {
      const moved = await this.briefly((sql) => createDayStatement(sql, missing, MOST_MOVED));
      if (moved !== null) continue;
      const { parent, day } = missing;
      this.logger.warn(`too many ${parent} of ${day} are in the default partition: run "npm run migrate"`);
    }
  }

  /** In a transaction of its own: it locks a table that everyone uses. */
  private briefly<Result>(work: (sql: Sql) => Promise<Result>): Promise<Result> {
    return this.database.transaction(async (sql) => {
      await giveWayStatement(sql, LOCK_MS);
      return work(sql);
    });
  }
}
