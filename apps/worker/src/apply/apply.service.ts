import { Injectable } from '@nestjs/common';
import { WorkerConfig } from '#config';
import type { Envelope } from '#contracts';
import { Database, isTransient, type Sql, type Transaction } from '#database';
import {
  FinishedElsewhereError,
  Ledger,
  startPerformingStatement,
  stopPerformingStatement,
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
import { FollowUps } from './follow-ups.ts';
import { HandlerError, Handlers } from './handlers.ts';
import { applyIsolated } from './isolated.ts';
import type { Lines } from './lines.ts';
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

/** Most actions of one resource that a process has started to perform, and has not applied yet. */
const IN_LINE = 8;

/** The same where some that are named have been performed: those in line, all of which can be applied, and those that join it. */
const NEXT_EACH = IN_LINE + 2;

/** How long a transaction may wait for the lock of its one resource, in milliseconds. */
const LOCK_WAIT_MS = 500;

const queueWaitSeconds = durations('queue_wait', 'From the submit to the transaction that ends the action');
const applySeconds = durations('apply', 'One transaction, of many actions');

/** What became of a set of tickets in one transaction. */
export interface ApplyResult extends Sorted, Pick<FollowUps, 'started' | 'behind' | 'failed' | 'apart' | 'crowded'> {
  /** To publish, now that the transaction is committed. */
  envelopes: Envelope[];
  /** When the leases of those that are started had not begun yet, by the clock of `performance`. */
  leasedAt: number;
}

export interface ApplyOptions {
  /** The results of `perform`, by action, or the {@link HandlerError} that it threw. */
  performed?: Pick<ReadonlyMap<string, unknown>, 'has' | 'get'>;
  /** Those that this process has started to perform. */
  inLine?: Pick<Lines, 'has' | 'failuresOf' | 'seqOf'>;
  /** Only this action may run, and only if it is the first of its resource. */
  only?: string;
  /** Waits for the lock of its resource first, which others may share all the time. */
  waitsForLock?: boolean;
  /** Whether the one behind it may be started to be performed all the same: that is outside of its transaction. */
  startsNext?: boolean;
  /** Some of them fail: find out which, and apply the others. */
  isolates?: boolean;
  /** The number of this attempt of `only`, when it is recorded already: others keep their hands off it. */
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
      const applied = await this.applyIn(sql, entries, options, endings);
      await checkpoint('apply.before-commit');
      return applied;
    });
    this.measure(endings, startedAt, Date.now());
    await checkpoint('apply.after-commit');
    return result;
  }

  /** Puts an action back that was started, and has not been performed. */
  undoStart(id: string): Promise<void> {
    return stopPerformingStatement(this.database, [id]);
  }

  private measure(endings: readonly Ending[], startedAt: number, endedAt: number): void {
    applySeconds.observe((endedAt - startedAt) / 1_000);
    for (const { row, status } of endings) {
      // The clock of Postgres may be ahead.
      queueWaitSeconds.observe(Math.max(0, startedAt - Date.parse(row.submitted_at)) / 1_000);
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
    const isPerformed = ([id]: TicketEntry): boolean => options.performed?.has(id) ?? false;
    const few = entries.some(isPerformed) ? NEXT_EACH : FEW_EACH;
    const mostEach = resources.size > 2 ? few : entries.every(isPerformed) ? NEXT_EACH : MANY_EACH;
    // Sent together; the second sees what was committed before the locks were taken.
    const [locked, unfinished] = await Promise.all([
      tryLockStatement(sql, resources, parents),
      unfinishedOfResourcesStatement(sql, [...resources], mostEach),
    ]);
    const rows = unfinished.filter(({ resource_id }) => locked.has(resource_id));
    const isOurs = (id: string): boolean =>
      options.inLine?.has(id) ?? (id === options.only && options.attempt !== undefined);
    const runnable = runnableOf(rows, locked, options.performed, { has: isOurs });
    endings.push(...runnable.overdue.map(expiredEnding));
    const deadline = new AbortController();
    const callOff = abortAfter(deadline, this.config.APPLY_TIMEOUT_MS);
    const followUps = await this.runTurns(sql, runnable, options, endings, deadline.signal).finally(callOff);
    const { started, behind, failed, apart, crowded } = followUps;
    const ids = started.map(({ id }) => id);
    const leasedAt = performance.now();
    const [, envelopes] = await Promise.all([
      ids.length > 0 && startPerformingStatement(sql, ids, LEASE_MS),
      endings.length > 0 ? this.finish(sql, endings, rows, options.only) : [],
    ]);
    const dealtWith = [...endings.map(({ row }) => row), ...failed.flatMap((error) => error.rows), ...apart];
    const done = new Set(dealtWith.map(({ id }) => id));
    const sorted = sortOut(entries, locked, rows, runnable, { mostEach, done, ...options });
    return { envelopes, started, behind, failed, apart, crowded, leasedAt, ...sorted };
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

  /** Runs the actions turn by turn. On a resource, nothing runs behind an action that does not. */
  private async runTurns(
    sql: Transaction,
    runnable: Runnable,
    { performed = new Map<string, unknown>(), isolates = false, attempt, ...options }: ApplyOptions,
    endings: Ending[],
    deadline: AbortSignal,
  ): Promise<FollowUps> {
    const followUps = new FollowUps();
    const applyAll = async (inner: Sql, rows: readonly UnfinishedRow[]): Promise<Ending[]> => {
      const applied = await this.handlers.apply(inner, rows, performed, deadline);
      return rows.map((row, index) => endingOf(row, applied[index]!, attempt ?? row.attempts + 1));
    };
    const turnOf = this.turns(runnable, { ...options, performed, attempt }, followUps, endings);
    for (const turn of runnable.turns) {
      const ready = turn.filter(turnOf);
      for (const group of Map.groupBy(ready, ({ type }) => type).values()) {
        const isolated = isolates
          ? await applyIsolated(sql, group, applyAll)
          : { endings: await applyAll(sql, group), failed: [] };
        endings.push(...isolated.endings);
        // Its retry goes on with those behind it.
        for (const error of isolated.failed) followUps.fail(error);
      }
    }
    followUps.complete(runnable);
    return followUps;
  }

  /** @returns whether an action is applied in its turn; what happens to it else is written down */
  private turns(
    runnable: Runnable,
    { performed, inLine, only, startsNext = false, attempt, startable = Infinity }: ApplyOptions,
    followUps: FollowUps,
    endings: Ending[],
  ): (row: UnfinishedRow) => boolean {
    let room = startable;
    return (row) => {
      const stop = followUps.stopOf(row);
      if (stop === 'followed') return false;
      const before = followUps.inLineBefore(row);
      const mayRun = only === undefined || row.id === only;
      const mayStart = mayRun || startsNext;
      const isKnown = this.handlers.knows(row.type);
      const isExhausted = attempt === undefined && row.attempts >= this.config.MAX_ATTEMPTS;
      const mustPerform = this.handlers.performs(row.type) && !performed?.has(row.id);
      const result = performed?.get(row.id);
      const isRetry = row.attempts > (inLine?.failuresOf(row.id) ?? 0);
      if (mustPerform && inLine?.has(row.id)) followUps.goOn(row, isRetry);
      else if (before > 0) {
        // In line behind others only as good as new, and not too many: they are put back when one before them fails.
        if (mustPerform && mayStart && row.attempts === 0 && before < IN_LINE) followUps.start(row);
        else followUps.stop(row);
      } else if (stop === 'left' || !isKnown) followUps.leave(row, runnable);
      else if (mayRun && isExhausted) endings.push(failedEnding(row, 'ATTEMPTS_EXHAUSTED', row.attempts));
      else if (!mayRun && (isExhausted || !mustPerform || !mayStart)) followUps.leave(row, runnable);
      else if (mustPerform && room <= 0) followUps.leaveCrowded(row, runnable);
      else if (mustPerform) {
        room -= 1;
        followUps.start(row);
      } else if (result instanceof HandlerError) followUps.fail(result);
      else if (only === undefined && isRetry) followUps.setApart(row);
      else return true;
      return false;
    };
  }
}

function endingOf(row: UnfinishedRow, applied: Applied, attempts: number): Ending {
  try {
    return appliedEnding(row, applied, attempts);
  } catch (error) {
    throw new HandlerError([row], error);
  }
}
