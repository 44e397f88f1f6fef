import type { Sql } from '#database';

const START = `
update actions
set status = 'running', run_at = clock_timestamp() + make_interval(secs => $2::double precision / 1000)
where id = any($1::uuid[]) and status in ('pending', 'running')`;

/**
 * Marks actions as being performed by this process, for as long as the lease lasts: until
 * then nobody else takes them up.
 */
export async function startPerformingStatement(sql: Sql, ids: readonly string[], leaseMs: number): Promise<void> {
  await sql.query(START, [ids, leaseMs]);
}

const RENEW = `
update actions
set run_at = clock_timestamp() + make_interval(secs => $2::double precision / 1000)
where id = any($1::uuid[]) and status = 'running'
returning id`;

/**
 * Renews the leases of actions.
 *
 * @returns those that are being performed still: the others were finished, or put back
 */
export async function renewLeasesStatement(sql: Sql, ids: readonly string[], leaseMs: number): Promise<Set<string>> {
  const rows = await sql.query<{ id: string }>(RENEW, [ids, leaseMs]);
  return new Set(rows.map(({ id }) => id));
}
