import type { Sql } from '#database';

/** The first unfinished action of a resource, and whether an attempt of it may start. */
export interface FirstAttempt {
  id: string;
  type: string;
  parentId: string | null;
  /** How long it must wait for its retry, or for the end of somebody's lease, in milliseconds. */
  waitMs: number;
  /** The number of the attempt; null when it is not due, or has had all its attempts. */
  attempt: number | null;
}

const FIRST = `
  select a.id, a.type, a.parent_id as "parentId",
    greatest(coalesce(extract(epoch from a.run_at - clock_timestamp()) * 1000, 0), 0)::double precision as "waitMs"
  from actions a
  where a.resource_id = $1 and a.status in ('pending', 'running')
  order by a.seq limit 1`;

const FIRST_ONLY = `select f.*, null::integer as attempt from (${FIRST}) f`;

const RECORD = `
with first as (${FIRST}), recorded as (
  update actions a
  set attempts = a.attempts + 1, status = 'pending', run_at = clock_timestamp() + make_interval(secs => $4::double precision / 1000)
  from first f where a.id = f.id and f.id = $2 and f."waitMs" = 0 and a.attempts < $3 and a.status in ('pending', 'running')
  returning a.attempts
)
select f.*, (select attempts from recorded) as attempt from first f`;

/**
 * Counts an attempt of an action before it starts, so that one which ends its process is not
 * forgotten: if it is the first unfinished one of its resource. Others keep their hands off it
 * meanwhile: they would count that attempt as one before theirs.
 *
 * @param forMs for how long, in milliseconds
 * @returns what is the first one
 */
export async function recordAttemptStatement(
  sql: Sql,
  resourceId: string,
  id: string,
  most: number,
  forMs: number,
): Promise<FirstAttempt | undefined> {
  const [row] = await sql.query<FirstAttempt>(RECORD, [resourceId, id, most, forMs]);
  return row;
}

const FORGET = `
update actions set attempts = attempts - 1, run_at = case when status = 'running' then run_at end
where id = $1 and status in ('pending', 'running')`;

/**
 * Takes back one that was counted, and then could not start, whoever has counted another one since.
 * The action is due again, unless somebody performs it.
 */
export async function forgetAttemptStatement(sql: Sql, id: string): Promise<void> {
  await sql.query(FORGET, [id]);
}

/** The first unfinished action of a resource; no attempt is counted. */
export async function firstUnfinishedStatement(sql: Sql, resourceId: string): Promise<FirstAttempt | undefined> {
  const [row] = await sql.query<FirstAttempt>(FIRST_ONLY, [resourceId]);
  return row;
}

// The id stands in a subquery for the sake of the prepared plan, as where actions are finished.
const COUNT = `
update actions set attempts = $2
where id = (select $1::uuid) and status = 'running' and attempts in ($2 - 1, $3)
returning id`;

/**
 * Counts an attempt of an action that goes on being performed.
 *
 * @param isAskedAgain whether the answer was lost before: it may be counted already
 * @returns false when it is finished, or the attempt of that number is counted already: it was run twice
 */
export async function countAttemptStatement(
  sql: Sql,
  id: string,
  attempt: number,
  isAskedAgain = false,
): Promise<boolean> {
  const rows = await sql.query(COUNT, [id, attempt, isAskedAgain ? attempt : attempt - 1]);
  return rows.length > 0;
}

const RETRY = `
update actions
set status = 'pending', attempts = coalesce($3, attempts),
  run_at = clock_timestamp() + make_interval(secs => $2::double precision / 1000)
where id = (select $1::uuid) and status in ('pending', 'running') and ($3::integer is null or attempts = $3 - 1)
returning id`;

/**
 * Puts an action back until its retry is due, and counts its attempt: at once, lest the next one starts in between.
 *
 * @param attempt its number, unless it was recorded before it started
 * @returns false when the action is finished, or the attempt of that number is counted already: it was run twice
 */
export async function retryLaterStatement(sql: Sql, id: string, delayMs: number, attempt?: number): Promise<boolean> {
  const rows = await sql.query(RETRY, [id, delayMs, attempt ?? null]);
  return rows.length > 0;
}

const POSTPONE = `
update actions set run_at = clock_timestamp() + make_interval(secs => $2::double precision / 1000)
where id = $1 and status in ('pending', 'running') and coalesce(run_at <= clock_timestamp(), true)`;

/** Says when an action is looked at again, unless that is said already: until then nobody else takes it up. */
export async function postponeStatement(sql: Sql, id: string, delayMs: number): Promise<void> {
  await sql.query(POSTPONE, [id, delayMs]);
}
