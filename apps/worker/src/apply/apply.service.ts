import { Injectable } from '@nestjs/common';
import { ActionCatalogue } from '#actions';
import type { Envelope } from '#contracts';
import { Database, isConflict, isUnavailable, type Sql } from '#database';
import { Ledger, tryLockStatement, unfinishedOfResourcesStatement, type Ending, type UnfinishedRow } from '#ledger';
import type { TicketEntry } from '#queue';
import type { ActionToApply, Applied } from '#resources';
import { WorkerConfig } from '#config';
import { appliedEnding, expiredEnding, failedEnding } from './endings.ts';
import { runnableOf } from './runnable.ts';

/** Most unfinished actions that one transaction looks at. */
const MOST_ROWS = 1_000;

/** What became of a set of tickets in one transaction. */
export interface ApplyResult {
  /** To publish, now that the transaction is committed. */
  envelopes: Envelope[];
  /** How many actions ended. */
  finished: number;
  /** Could not be looked at, or must wait for something that will not wake them. */
  blocked: TicketEntry[];
  /** Were finished before: their outcome may not have been published. */
  known: TicketEntry[];
}

/** Which of the unfinished actions a transaction may run. */
type Choice = (row: UnfinishedRow) => boolean;

/** Applies actions and finishes them: the change, the end and the event in one transaction. */
@Injectable()
export class ApplyService {
  constructor(
    private readonly database: Database,
    private readonly ledger: Ledger,
    private readonly catalogue: ActionCatalogue,
    private readonly config: WorkerConfig,
  ) {}

  /**
   * Applies the actions of many tickets, and whatever else waits on their resources.
   *
   * @throws when a handler throws, or somebody else finished one of them: nothing is done
   */
  applyTogether(entries: readonly TicketEntry[]): Promise<ApplyResult> {
    return this.apply(entries, () => true);
  }

  /**
   * Applies one action, alone in its transaction, if it is the first of its resource.
   *
   * @param attempt the number of this attempt, when it is recorded already
   * @throws {HandlerError} when its handler throws
   */
  applyAlone(entry: TicketEntry, attempt?: number): Promise<ApplyResult> {
    return this.apply([entry], (row) => row.id === entry[0], attempt);
  }

  private apply(entries: readonly TicketEntry[], choice: Choice, attempt?: number): Promise<ApplyResult> {
    return this.database.transaction(async (sql) => {
      const resources = new Set(entries.map(([, resource]) => resource));
      const parents = new Set(entries.flatMap(([, , parent]) => (parent === undefined ? [] : [parent])));
      const locked = await tryLockStatement(sql, resources, parents);
      const open = [...resources].filter((resource) => locked.has(resource));
      const rows = open.length === 0 ? [] : await unfinishedOfResourcesStatement(sql, open, MOST_ROWS);
      const { turns, overdue, blocked } = runnableOf(rows, locked);
      const endings = overdue.filter(choice).map(expiredEnding);
      const left = new Set<string>(blocked.map(({ id }) => id));
      const passedOver = new Set<string>();
      for (const turn of turns) {
        const chosen: UnfinishedRow[] = [];
        for (const row of turn) {
          if (!passedOver.has(row.resource_id) && choice(row)) chosen.push(row);
          else {
            passedOver.add(row.resource_id);
            left.add(row.id);
          }
        }
        endings.push(...(await this.runTurn(sql, chosen, attempt)));
      }
      const envelopes = endings.length === 0 ? [] : await this.ledger.finish(sql, endings);
      return { envelopes, finished: endings.length, ...this.sortOut(entries, locked, rows, left) };
    });
  }

  /** Runs one action of each resource, those of one type together. */
  private async runTurn(sql: Sql, rows: readonly UnfinishedRow[], attempt: number | undefined): Promise<Ending[]> {
    const endings: Ending[] = [];
    for (const [type, group] of Map.groupBy(rows, (row) => row.type)) {
      const runnable = group.filter((row) => row.attempts < this.config.MAX_ATTEMPTS || attempt !== undefined);
      for (const row of group) {
        if (!runnable.includes(row)) endings.push(failedEnding(row, 'ATTEMPTS_EXHAUSTED', row.attempts));
      }
      if (runnable.length === 0) continue;
      const applied = await this.runHandler(sql, type, runnable);
      endings.push(...runnable.map((row, index) => endingOf(row, applied[index]!, attempt ?? row.attempts + 1)));
    }
    return endings;
  }

  private async runHandler(sql: Sql, type: string, rows: readonly UnfinishedRow[]): Promise<Applied[]> {
    const known = this.catalogue.find(type);
    if (!known) throw new UnknownTypeError(`no handler for ${type}: is this worker older than the api?`);
    const actions = rows.map((row): ActionToApply<object> => ({
      id: row.id,
      owner: row.owner,
      resourceId: row.resource_id,
      payload: row.payload ?? {},
      ifMatch: row.if_match,
    }));
    const applied = await known.handler.apply(sql, actions).catch((error: unknown) => {
      throw isConflict(error) || isUnavailable(error) ? error : new HandlerError(rows, error);
    });
    if (applied.length !== rows.length) {
      const error = new Error(`the handler of ${type} answered ${applied.length} of ${rows.length} actions`);
      throw new HandlerError(rows, error);
    }
    return applied;
  }

  /** Tells, for each named action, whether it is settled, must be tried again, or had an end before. */
  private sortOut(
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
}

function endingOf(row: UnfinishedRow, applied: Applied, attempts: number): Ending {
  try {
    return appliedEnding(row, applied, attempts);
  } catch (error) {
    throw new HandlerError([row], error);
  }
}

/** A handler threw, or answered what cannot be kept. */
export class HandlerError extends Error {
  override readonly name = 'HandlerError';

  constructor(
    readonly rows: readonly UnfinishedRow[],
    cause: unknown,
  ) {
    super(`the handler of ${rows[0]!.type} failed`, { cause });
  }
}

/** Another version of the app knows this type: the action is tried again later. */
export class UnknownTypeError extends Error {
  override readonly name = 'UnknownTypeError';
}
