import type { Sql } from '#database';

const RECORD = `
update actions set attempts = attempts + 1
where id = $1 and status in ('pending', 'running')
returning attempts`;

/**
 * Counts an attempt before it starts, so that one which ends its process is not forgotten.
 *
 * @returns the number of this attempt, from 1; undefined when the action is finished
 */
export async function recordAttemptStatement(sql: Sql, id: string): Promise<number | undefined> {
  const [row] = await sql.query<{ attempts: number }>(RECORD, [id]);
  return row?.attempts;
}

const RETRY = `
update actions
set attempts = $2, status = 'pending', run_at = clock_timestamp() + make_interval(secs => $3::double precision / 1000)
where id = $1 and status in ('pending', 'running')
returning id`;

/**
 * Puts an action back until its retry is due.
 *
 * @returns false when the action is finished
 */
export async function retryLaterStatement(sql: Sql, id: string, attempts: number, delayMs: number): Promise<boolean> {
  const rows = await sql.query(RETRY, [id, attempts, delayMs]);
  return rows.length > 0;
}
