import type { Sql, Transaction } from '#database';
import type { Ending, UnfinishedRow } from '#ledger';
import { HandlerError } from './handlers.ts';

/** Those that have an end, and those that failed, each alone. */
export interface Isolated {
  endings: Ending[];
  failed: HandlerError[];
}

/**
 * Applies actions of which some fail, so that these take no other with them: all at once, else
 * in halves, down to single ones, each part in a savepoint.
 *
 * @param apply throws {@link HandlerError} when one of them fails
 * @throws what is no failure of a handler, and what took too long: the parts would, too
 */
export async function applyIsolated(
  sql: Transaction,
  rows: readonly UnfinishedRow[],
  apply: (sql: Sql, rows: readonly UnfinishedRow[]) => Promise<Ending[]>,
): Promise<Isolated> {
  try {
    return { endings: await sql.savepoint((inner) => apply(inner, rows)), failed: [] };
  } catch (error) {
    if (!(error instanceof HandlerError) || error.isTimeout) throw error;
    if (rows.length === 1) return { endings: [], failed: [new HandlerError(rows, error.cause)] };
  }
  const middle = Math.ceil(rows.length / 2);
  const first = await applyIsolated(sql, rows.slice(0, middle), apply);
  const second = await applyIsolated(sql, rows.slice(middle), apply);
  return { endings: [...first.endings, ...second.endings], failed: [...first.failed, ...second.failed] };
}
