import { Injectable } from '@nestjs/common';
import { ActionCatalogue } from '#actions';
import { WorkerConfig } from '#config';
import { isConflict, isOfStatement, isUnavailable, type Sql } from '#database';
import type { UnfinishedRow } from '#ledger';
import type { ActionToApply, Applied, PerformContext, Verb } from '#resources';

/** A handler threw, took too long, or answered what cannot be kept. */
export class HandlerError extends Error {
  override readonly name = 'HandlerError';

  constructor(
    readonly rows: readonly UnfinishedRow[],
    cause: unknown,
  ) {
    super(`the handler of ${rows[0]!.type} failed`, { cause });
  }

  /** Why, in words: handlers throw what they like, and not all of that is text. */
  get reason(): string {
    try {
      return String(this.cause);
    } catch {
      return 'it threw what has no words';
    }
  }

  /** Whether it took too long. */
  get isTimeout(): boolean {
    return this.cause instanceof DOMException && this.cause.name === 'TimeoutError';
  }
}

/** Calls the handlers of resources. */
@Injectable()
export class Handlers {
  constructor(
    private readonly catalogue: ActionCatalogue,
    private readonly config: WorkerConfig,
  ) {}

  /** Whether this version of the app has a handler for the type: another version may. */
  knows(type: string): boolean {
    return this.catalogue.find(type) !== undefined;
  }

  /** Whether actions of this type have work to do before they are applied. */
  performs(type: string): boolean {
    return this.catalogue.find(type)?.handler.perform !== undefined;
  }

  /** How long that may take, in milliseconds. */
  performTimeoutOf(type: string): number {
    return this.catalogue.find(type)?.handler.performTimeoutMs ?? this.config.PERFORM_TIMEOUT_MS;
  }

  /**
   * @throws {HandlerError} when the handler throws, or the signal is aborted
   */
  async perform(row: UnfinishedRow, context: PerformContext): Promise<unknown> {
    try {
      return await orAborted(context.signal, () => this.find(row.type).perform!(actionOf(row, undefined), context));
    } catch (error) {
      throw new HandlerError([row], error);
    }
  }

  /**
   * Applies actions of one type.
   *
   * @param signal aborted when the transaction has no time left
   * @throws {HandlerError} when the handler throws; database conflicts and losses as they are
   */
  async apply(
    sql: Sql,
    rows: readonly UnfinishedRow[],
    performed: Pick<ReadonlyMap<string, unknown>, 'get'>,
    signal: AbortSignal,
  ): Promise<Applied[]> {
    const [{ type }] = rows as [UnfinishedRow];
    const handler = this.find(type);
    try {
      const actions = rows.map((row) => actionOf(row, performed.get(row.id)));
      const applied = await orAborted(signal, () => handler.apply(sql, actions));
      if (applied.length === rows.length) return applied;
      throw new Error(`the handler of ${type} answered ${applied.length} of ${rows.length} actions`);
    } catch (error) {
      const isOfDatabase = isOfStatement(error) && (isConflict(error) || isUnavailable(error));
      throw isOfDatabase ? error : new HandlerError(rows, error);
    }
  }

  private find(type: string): Verb {
    const known = this.catalogue.find(type);
    if (!known) throw new Error(`no handler for ${type}`);
    return known.handler;
  }
}

function actionOf(row: UnfinishedRow, performed: unknown): ActionToApply<object> {
  return {
    id: row.id,
    owner: row.owner,
    resourceId: row.resource_id,
    payload: row.payload ?? {},
    ifMatch: row.if_match,
    performed,
  };
}

/**
 * Rejects when the signal is aborted, whether or not the work heeds it; when it is aborted
 * already, the work does not start.
 */
async function orAborted<Result>(signal: AbortSignal, start: () => Promise<Result>): Promise<Result> {
  signal.throwIfAborted();
  const work = start();
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error);
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
