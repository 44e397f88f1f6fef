import { Injectable } from '@nestjs/common';
import { WorkerConfig } from '#config';
import type { Envelope } from '#contracts';
import { Database, type Sql } from '#database';
import {
  Ledger,
  startPerformingStatement,
  tryLockStatement,
  unfinishedOfResourcesStatement,
  type Ending,
  type UnfinishedRow,
} from '#ledger';
import type { TicketEntry } from '#queue';
import type { Applied } from '#resources';
import { checkpoint } from '#telemetry';
import { appliedEnding, expiredEnding, failedEnding } from './endings.ts';
import { HandlerError, Handlers } from './handlers.ts';
import { LEASE_MS } from './performer.ts';
import { runnableOf } from './runnable.ts';

/** Most unfinished actions that one transaction looks at. */
const MOST_ROWS = 1_000;

/** What became of a set of tickets in one transaction. */
export interface ApplyResult {
  /** To publish, now that the transaction is committed. */
  envelopes: Envelope[];
  /** Are this process's to perform: nobody else takes them up while their lease lasts. */
  started: UnfinishedRow[];
  /** Could not be looked at, or must wait for something that will not wake them. */
  blocked: TicketEntry[];
  /** Were finished before: their outcome may not have been published. */
  known: TicketEntry[];
}

export interface ApplyOptions {
  /** The results of `perform`, by action. */
  performed?: ReadonlyMap<string, unknown>;
  /** Only this action may run, and only if it is the first of its resource. */
  only?: string;
  /** The number of this attempt, when it is recorded already. */
  attempt?: number | undefined;
}

/** Applies actions and finishes them: the change, the end and the event in one transaction. */
@Injectable()
export class ApplyService {
  constructor(
    private readonly database: Database,
    private readonly ledger: Ledger,
    private readonly handlers: Handlers,
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
    const result = await this.database.transaction(async (sql) => {
      const applied = await this.applyIn(sql, entries, options);
      await checkpoint('apply.before-commit');
      return applied;
    });
    await checkpoint('apply.after-commit');
    return result;
  }

  private async applyIn(sql: Sql, entries: readonly TicketEntry[], options: ApplyOptions): Promise<ApplyResult> {
    const resources = new Set(entries.map(([, resource]) => resource));
    const parents = new Set(entries.flatMap(([, , parent]) => (parent === undefined ? [] : [parent])));
    const locked = await tryLockStatement(sql, resources, parents);
    const open = [...resources].filter((resource) => locked.has(resource));
    const rows = open.length === 0 ? [] : await unfinishedOfResourcesStatement(sql, open, MOST_ROWS);
    const { turns, overdue, blocked } = runnableOf(rows, locked, options.performed);
    const left = new Set<string>(blocked.map(({ id }) => id));
    const endings = overdue.map(expiredEnding);
    const started = await this.runTurns(sql, turns, options, { endings, left });
    if (started.length > 0)
      await startPerformingStatement(
        sql,
        started.map(({ id }) => id),
        LEASE_MS,
      );
    const envelopes = endings.length === 0 ? [] : await this.ledger.finish(sql, endings);
    return { envelopes, started, ...sortOut(entries, locked, rows, left) };
  }

  /**
   * Runs the actions turn by turn. On a resource, nothing runs behind an action that does not.
   *
   * @returns the actions that must be performed first
   */
  private async runTurns(
    sql: Sql,
    turns: readonly UnfinishedRow[][],
    { performed = new Map<string, unknown>(), only, attempt }: ApplyOptions,
    { endings, left }: { endings: Ending[]; left: Set<string> },
  ): Promise<UnfinishedRow[]> {
    const started: UnfinishedRow[] = [];
    const stopped = new Set<string>();
    const deadline = AbortSignal.timeout(this.config.APPLY_TIMEOUT_MS);
    for (const turn of turns) {
      const ready: UnfinishedRow[] = [];
      for (const row of turn) {
        const mayRun = !stopped.has(row.resource_id) && (only === undefined || row.id === only);
        const isExhausted = attempt === undefined && row.attempts >= this.config.MAX_ATTEMPTS;
        if (!mayRun) {
          if (!started.some(({ resource_id }) => resource_id === row.resource_id)) left.add(row.id);
          stopped.add(row.resource_id);
        } else if (isExhausted) endings.push(failedEnding(row, 'ATTEMPTS_EXHAUSTED', row.attempts));
        else if (this.handlers.performs(row.type) && !performed.has(row.id)) {
          started.push(row);
          stopped.add(row.resource_id);
        } else ready.push(row);
      }
      for (const group of Map.groupBy(ready, ({ type }) => type).values()) {
        const applied = await this.handlers.apply(sql, group, performed, deadline);
        endings.push(...group.map((row, index) => endingOf(row, applied[index]!, attempt ?? row.attempts + 1)));
      }
    }
    return started;
  }
}

function endingOf(row: UnfinishedRow, applied: Applied, attempts: number): Ending {
  try {
    return appliedEnding(row, applied, attempts);
  } catch (error) {
    throw new HandlerError([row], error);
  }
}

/** Tells, for each named action, whether it is settled, must be tried again, or had an end before. */
function sortOut(
  entries: readonly TicketEntry[],
  locked: ReadonlySet<string>,
  rows: readonly UnfinishedRow[],
  left: ReadonlySet<string>,
): Pick<ApplyResult, 'blocked' | 'known'> {
  const seen = new Set(rows.map(({ id }) => id));
  const isComplete = rows.length < MOST_ROWS;
  const blocked: TicketEntry[] = [];
  const known: TicketEntry[] = [];
  for (const entry of entries) {
    const [id, resource] = entry;
    if (!locked.has(resource) || left.has(id) || (!seen.has(id) && !isComplete)) blocked.push(entry);
    else if (!seen.has(id)) known.push(entry);
  }
  return { blocked, known };
}
