import type { Sql } from '#database';

// The arrays stand in subqueries for the sake of the prepared plans, as where actions are finished.
const START = `
update actions
set status = 'running', run_at = clock_timestamp() + make_interval(secs => $2::double precision / 1000)
where id = any((select $1::uuid[])::uuid[]) and status in ('pending', 'running')`;

/**
 * Marks actions as being performed by this process, for as long as the lease lasts: until
 * then nobody else takes them up.
 */
export async function startPerformingStatement(sql: Sql, ids: readonly string[], leaseMs: number): Promise<void> {
  await sql.query(START, [ids, leaseMs]);
}

const STOP = `
update actions set status = 'pending', run_at = null
where id = any((select $1::uuid[])::uuid[]) and status = 'running'`;

/** Puts actions back that this process was about to perform: who comes next takes them up. */
export async function stopPerformingStatement(sql: Sql, ids: readonly string[]): Promise<void> {
  await sql.query(STOP, [ids]);
}

/*
 * What is locked is about to be finished: nothing is waited for, since those that are
 * locked already would keep others waiting meanwhile, and could deadlock with them.
 */
const RENEW = `
with free as (
  select a.id from actions a where a.id = any($1::uuid[]) and a.status = 'running'
  for no key update skip locked
), renewed as (
  update actions a
  set run_at = clock_timestamp() + make_interval(secs => $2::double precision / 1000)
  from free where a.id = free.id
)
select a.id from actions a where a.id = any($1::uuid[]) and a.status = 'running'`;

/**
 * Renews the leases of actions, save for those that a transaction is about to finish.
 *
 * @returns those that are being performed still: the others were finished, or put back
 */
export async function renewLeasesStatement(sql: Sql, ids: readonly string[], leaseMs: number): Promise<Set<string>> {
  const rows = await sql.query<{ id: string }>(RENEW, [ids, leaseMs]);
  return new Set(rows.map(({ id }) => id));
}

const CLAIM = `
update actions
set run_at = clock_timestamp() + make_interval(secs => $2::double precision / 1000)
where id = any($1::uuid[]) and status = 'running' and run_at <= clock_timestamp()
returning id`;

/**
 * Takes actions whose process died while it performed them, so that nobody else sees to them
 * for a moment.
 *
 * @returns those that nobody else has taken
 */
export async function claimOrphansStatement(sql: Sql, ids: readonly string[], forMs: number): Promise<Set<string>> {
  const rows = await sql.query<{ id: string }>(CLAIM, [ids, forMs]);
  return new Set(rows.map(({ id }) => id));
}
