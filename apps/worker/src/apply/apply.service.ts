import { Injectable } from '@nestjs/common';
import { WorkerConfig } from '#config';
import type { Envelope } from '#contracts';
import { Database, isTransient, type Sql, type Transaction } from '#database';
import {
  FinishedElsewhereError,
  Ledger,
  startPerformingStatement,
  tryLockStatement,
  unfinishedOfResourcesStatement,
  waitForLockStatement,
  type Ending,
  type UnfinishedRow,
} from '#ledger';
import type { TicketEntry } from '#queue';
import type { Applied } from '#resources';
import { ActionLog, checkpoint, durations, isArmed } from '#telemetry';
import { appliedEnding, expiredEnding, failedEnding } from './endings.ts';
import { HandlerError, Handlers } from './handlers.ts';
import { applyIsolated } from './isolated.ts';
import { LEASE_MS } from './performer.ts';
import { runnableOf, type Runnable } from './runnable.ts';
import { sortOut, type Sorted } from './sort-out.ts';
import { abortAfter } from './time-limit.ts';

/**
 * Actions of one resource that a transaction reads. What it does not get to, the next one
 * reads again, so it is few; only where there are hardly any other resources it is many.
 */
const FEW_EACH = 4;
const MANY_EACH = 50;

/** The same where all that are named have been performed: what is behind them is only started. */
const NEXT_EACH = 2;

/** How long a transaction may wait for the lock of its one resource, in milliseconds. */
const LOCK_WAIT_MS = 500;

const queueWaitSeconds = durations('queue_wait', 'From the submit to the transaction that ends the action');
const applySeconds = durations('apply', 'One transaction, of many actions');

/** What became of a set of tickets in one transaction. */
export interface ApplyResult extends Sorted {
  /** To publish, now that the transaction is committed. */
  envelopes: Envelope[];
  /** Are this process's to perform: nobody else takes them up while their lease lasts. */
  started: UnfinishedRow[];
  /** Failed, each alone; the others went on without them. */
  failed: HandlerError[];
  /** Failed before: they must run alone, so that nobody pays for them again. */
  apart: UnfinishedRow[];
  /** The resources on which an action waits since no more may be performed at once. */
  crowded: ReadonlySet<string>;
}

export interface ApplyOptions {
  /** The results of `perform`, by action. */
  performed?: ReadonlyMap<string, unknown>;
  /** Only this action may run, and only if it is the first of its resource. */
  only?: string;
  /** Waits for the lock of its resource first, which others may share all the time. */
  waitsForLock?: boolean;
  /** Whether the one behind it may be started to be performed all the same: that is outside of its transaction. */
  startsNext?: boolean;
  /** Some of them fail: find out which, and apply the others. */
  isolates?: boolean;
  /** The number of this attempt, when it is recorded already. */
  attempt?: number | undefined;
  /** Most actions that may be started to be performed. */
  startable?: number;
}

/** Applies actions and finishes them: the change, the end and the event in one transaction. */
@Injectable()
export class ApplyService {
  constructor(
    private readonly database: Database,
    private readonly ledger: Ledger,
    private readonly handlers: Handlers,
    private readonly log: ActionLog,
    private readonly config: WorkerConfig,
  ) {}

  /**
   * Applies the named actions, and whatever else waits on their resources.
   *
   * @throws when a handler throws ({@link HandlerError}), when somebody else finished one of
   *   the actions, or when the database does: nothing is done then
   */
  async apply(entries: readonly TicketEntry[], options: ApplyOptions = {}): Promise<ApplyResult> {
    await checkpoint('apply.before-lock');
    const startedAt = Date.now();
    const endings: Ending[] = [];
    const result = await this.database.transaction(async (sql) => {
      endings.length = 0;
      const applied = await this.applyIn(sql, entries, options, endings);
      await checkpoint('apply.before-commit');
      return applied;
    });
    this.measure(endings, startedAt, Date.now());
    await checkpoint('apply.after-commit');
    return result;
  }

  private measure(endings: readonly Ending[], startedAt: number, endedAt: number): void {
    applySeconds.observe((endedAt - startedAt) / 1_000);
    for (const { row, status } of endings) {
      // The clock of Postgres may be ahead.
      queueWaitSeconds.observe(Math.max(0, startedAt - row.submitted_at.getTime()) / 1_000);
      if (this.log.covers(row.traceparent)) this.log.note('applied', row, { startedAt, endedAt }, { status });
    }
  }

  private async applyIn(
    sql: Transaction,
    entries: readonly TicketEntry[],
    options: ApplyOptions,
    endings: Ending[],
  ): Promise<ApplyResult> {
    const resources = new Set(entries.map(([, resource]) => resource));
    const parents = new Set(entries.flatMap(([, , parent]) => (parent === undefined ? [] : [parent])));
    if (options.waitsForLock) await waitForLockStatement(sql, entries[0]![1], LOCK_WAIT_MS);
    const areAllPerformed = entries.every(([id]) => options.performed?.has(id) ?? false);
    const mostEach = areAllPerformed ? NEXT_EACH : resources.size > 2 ? FEW_EACH : MANY_EACH;
    // Sent together; the second sees what was committed before the locks were taken.
    const [locked, unfinished] = await Promise.all([
      tryLockStatement(sql, resources, parents),
      unfinishedOfResourcesStatement(sql, [...resources], mostEach),
    ]);
    const rows = unfinished.filter(({ resource_id }) => locked.has(resource_id));
    const runnable = runnableOf(rows, locked, options.performed);
    endings.push(...runnable.overdue.map(expiredEnding));
    const deadline = new AbortController();
    const callOff = abortAfter(deadline, this.config.APPLY_TIMEOUT_MS);
    const followUps = await this.runTurns(sql, runnable, options, endings, deadline.signal).finally(callOff);
    const { started, failed, apart } = followUps;
    const ids = started.map(({ id }) => id);
    const [, envelopes] = await Promise.all([
      ids.length > 0 && startPerformingStatement(sql, ids, LEASE_MS),
      endings.length > 0 ? this.finish(sql, endings, rows, options.only) : [],
    ]);
    const dealtWith = [
      ...endings.map(({ row }) => row),
      ...started,
      ...failed.flatMap((error) => error.rows),
      ...apart,
    ];
    const done = new Set(dealtWith.map(({ id }) => id));
    return { envelopes, ...followUps, ...sortOut(entries, locked, rows, runnable, { mostEach, done, ...options }) };
  }

  /**
   * What the ledger cannot keep of an end, such as an event that is no JSON, is the fault of who
   * asked for it: found when it runs alone.
   */
  private async finish(
    sql: Transaction,
    endings: readonly Ending[],
    rows: readonly UnfinishedRow[],
    only: string | undefined,
  ): Promise<Envelope[]> {
    try {
      return await this.ledger.finish(sql, endings, { commits: !isArmed('apply.before-commit') });
    } catch (error) {
      const row = rows.find(({ id }) => id === only);
      const isNobodys = error instanceof FinishedElsewhereError || isTransient(error);
      if (isNobodys || !row || endings.length > 1) throw error;
      throw new HandlerError([row], error);
    }
  }

  /**
   * Runs the actions turn by turn. On a resource, nothing runs behind an action that does not.
   *
   * @returns the actions that must be performed first, those that failed, those that must run alone,
   *   and the resources of those that there is no room to perform
   */
  private async runTurns(
    sql: Transaction,
    { turns, left, stops }: Runnable,
    {
      performed = new Map<string, unknown>(),
      only,
      startsNext = false,
      isolates = false,
      attempt,
      startable = Infinity,
    }: ApplyOptions,
    endings: Ending[],
    deadline: AbortSignal,
  ): Promise<Pick<ApplyResult, 'started' | 'failed' | 'apart' | 'crowded'>> {
    const crowded = new Set<string>();
    const started: UnfinishedRow[] = [];
    const failed: HandlerError[] = [];
    const apart: UnfinishedRow[] = [];
    const leave = (row: UnfinishedRow): void => {
      left.push(row);
      stops.set(row.resource_id, 'left');
    };
    const followUp = (row: UnfinishedRow, list: UnfinishedRow[]): void => {
      list.push(row);
      stops.set(row.resource_id, 'followed');
    };
    const applyAll = async (inner: Sql, rows: readonly UnfinishedRow[]): Promise<Ending[]> => {
      const applied = await this.handlers.apply(inner, rows, performed, deadline);
      return rows.map((row, index) => endingOf(row, applied[index]!, attempt ?? row.attempts + 1));
    };
    const stopped = new Map(stops);
    stops.clear();
    for (const turn of turns) {
      const ready: UnfinishedRow[] = [];
      for (const row of turn) {
        const stop = stops.get(row.resource_id);
        if (stop === 'followed') continue;
        const mayRun = only === undefined || row.id === only;
        const isExhausted = attempt === undefined && row.attempts >= this.config.MAX_ATTEMPTS;
        const mustPerform = this.handlers.performs(row.type) && !performed.has(row.id);
        if (stop === 'left' || !this.handlers.knows(row.type)) leave(row);
        else if (mayRun && isExhausted) endings.push(failedEnding(row, 'ATTEMPTS_EXHAUSTED', row.attempts));
        else if (!mayRun && (isExhausted || !mustPerform || !startsNext)) leave(row);
        else if (mustPerform && started.length < startable) followUp(row, started);
        else if (mustPerform) {
          crowded.add(row.resource_id);
          leave(row);
        } else if (only === undefined && row.attempts > 0) followUp(row, apart);
        else ready.push(row);
      }
      for (const group of Map.groupBy(ready, ({ type }) => type).values()) {
        const isolated = isolates
          ? await applyIsolated(sql, group, applyAll)
          : { endings: await applyAll(sql, group), failed: [] };
        endings.push(...isolated.endings);
        failed.push(...isolated.failed);
        // Its retry goes on with those behind it.
        for (const { rows } of isolated.failed) stops.set(rows[0]!.resource_id, 'followed');
      }
    }
    // What stopped a resource before its turn came holds, unless something before it does already.
    for (const [resource, stop] of stopped) if (!stops.has(resource)) stops.set(resource, stop);
    return { started, failed, apart, crowded };
  }
}

function endingOf(row: UnfinishedRow, applied: Applied, attempts: number): Ending {
  try {
    return appliedEnding(row, applied, attempts);
  } catch (error) {
    throw new HandlerError([row], error);
  }
}
