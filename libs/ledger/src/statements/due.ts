import type { Sql } from '#database';
import { IS_FIRST } from './unfinished.ts';

const IS_ANY_DUE = `
select exists (
  select from actions a
  where a.finished_at is null
    and (a.run_at is null or a.run_at < clock_timestamp() + make_interval(secs => $1::double precision / 1000))
    and ${IS_FIRST}
) as due`;

/**
 * Whether any action can go on within so many milliseconds, or is being performed. One that
 * waits for a later retry cannot, nor can those behind it on its resource.
 */
export async function isAnyDueStatement(sql: Sql, withinMs: number): Promise<boolean> {
  const [row] = await sql.query<{ due: boolean }>(IS_ANY_DUE, [withinMs]);
  return row!.due;
}
