import type { Sql } from '#database';

const COUNT = `
update actions set attempts = attempts + 1
where id = $1 and status in ('pending', 'running')
returning attempts`;

/**
 * Counts an attempt that has failed.
 *
 * @returns the attempts so far; undefined when the action is finished
 */
export async function countAttemptStatement(sql: Sql, id: string): Promise<number | undefined> {
  const [row] = await sql.query<{ attempts: number }>(COUNT, [id]);
  return row?.attempts;
}

/** Whether an attempt may start, and its number. */
export type RecordedAttempt = { state: 'finished' | 'blocked' | 'exhausted' } | { state: 'recorded'; attempt: number };

const RECORD = `
with candidate as (
  select a.id, not exists (
    select from actions p
    where p.resource_id = a.resource_id and p.seq < a.seq and p.status in ('pending', 'running')
  ) as is_first
  from actions a where a.id = $1 and a.status in ('pending', 'running')
), recorded as (
  update actions a set attempts = a.attempts + 1
  from candidate c where a.id = c.id and c.is_first and a.attempts < $2
  returning a.attempts
)
select c.is_first, (select attempts from recorded) as attempt from candidate c`;

/** Counts an attempt before it starts, so that one which ends its process is not forgotten. */
export async function recordAttemptStatement(sql: Sql, id: string, most: number): Promise<RecordedAttempt> {
  const [row] = await sql.query<{ is_first: boolean; attempt: number | null }>(RECORD, [id, most]);
  if (!row) return { state: 'finished' };
  if (!row.is_first) return { state: 'blocked' };
  return row.attempt === null ? { state: 'exhausted' } : { state: 'recorded', attempt: row.attempt };
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
