import type { Sql } from '#database';

/*
 * Advisory locks of the transaction: exclusive on resources, shared on parents, tried
 * in sorted order, never waited for. The subquery fixes the order (offset 0 keeps the
 * planner from pulling it up).
 */
const TRY_LOCK = `
select id, shared from (
  select id, bool_and(shared) as shared
  from unnest($1::uuid[], $2::boolean[]) as i (id, shared)
  group by id order by id offset 0
) wanted
where case when shared
  then pg_try_advisory_xact_lock_shared(uuid_hash_extended(id, 0))
  else pg_try_advisory_xact_lock(uuid_hash_extended(id, 0))
end`;

/**
 * Tries to lock resources, and their parents, until the end of the transaction.
 *
 * @returns the ids that are locked now; the others are in the hands of another transaction
 */
export async function tryLockStatement(
  sql: Sql,
  resources: Iterable<string>,
  parents: Iterable<string>,
): Promise<Set<string>> {
  const exclusive = [...resources];
  const shared = [...parents];
  const rows = await sql.query<{ id: string }>(TRY_LOCK, [
    [...exclusive, ...shared],
    [...exclusive.map(() => false), ...shared.map(() => true)],
  ]);
  return new Set(rows.map(({ id }) => id));
}

/**
 * Waits for the exclusive lock of one resource. What others try meanwhile fails, so those who
 * share a busy parent cannot keep it for ever. A transaction that holds no other lock cannot
 * deadlock by it.
 *
 * @throws (`55P03`, which ends the transaction) when it takes longer than `atMostMs`
 */
export async function waitForLockStatement(sql: Sql, resourceId: string, atMostMs: number): Promise<void> {
  await sql.query(`select set_config('lock_timeout', $1, true)`, [`${atMostMs}ms`]);
  await sql.query('select pg_advisory_xact_lock(uuid_hash_extended($1, 0))', [resourceId]);
}
