import type { Sql } from '#database';

/** Most unfinished actions that are counted one by one. */
const MOST_COUNTED = 100_000;

/** What is accepted and has no outcome. */
export interface Backlog {
  /** Unfinished actions; 100,000 stands for that many or more. */
  pending: number;
  /** Age of the oldest of them, in milliseconds; 0 when there is none. */
  oldestPendingMs: number;
}

// Both walk the index of unfinished actions: in its order, and no further than they must.
const BACKLOG = `
select
  (select count(*)::integer from (
    select from actions where finished_at is null order by seq limit $1
  ) counted) as "pending",
  coalesce(greatest(0, extract(epoch from clock_timestamp() - (
    select submitted_at from actions where finished_at is null order by seq limit 1
  )) * 1000), 0)::double precision as "oldestPendingMs"`;

/** Counts what is unfinished; its cost has a bound, however much that is. */
export async function backlogStatement(sql: Sql): Promise<Backlog> {
  const [row] = await sql.query<Backlog>(BACKLOG, [MOST_COUNTED]);
  return { pending: row!.pending, oldestPendingMs: Math.round(row!.oldestPendingMs) };
}
