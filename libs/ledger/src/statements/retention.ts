import type { Sql } from '#database';

/** Days for which partitions are made ahead. */
const DAYS_AHEAD = 7;

/** Makes the partitions of the coming days. */
export async function createPartitionsStatement(sql: Sql): Promise<void> {
  // One table a transaction: each locks its parent.
  for (const parent of ['actions', 'events'])
    await sql.query('select create_ledger_partitions_of($1, $2)', [parent, DAYS_AHEAD]);
}

/**
 * Drops the oldest partition whose day is before `retentionDays` ago: events first, and of
 * actions only those which have all ended before that day, so that no outcome is left without
 * its action.
 *
 * @returns its name, or null when there is none (left)
 */
export async function dropOldestPartitionStatement(sql: Sql, retentionDays: number): Promise<string | null> {
  const [row] = await sql.query<{ name: string | null }>('select drop_oldest_ledger_partition($1) as name', [
    retentionDays,
  ]);
  return row!.name;
}

const FORGET_KEYS = `
with forgotten as (
  delete from idempotency_keys where (owner, key) in (
    select owner, key from idempotency_keys
    where created_at < clock_timestamp() - make_interval(hours => $1)
    order by created_at limit $2
  )
  returning 1
)
select count(*)::integer as count from forgotten`;

/** Forgets idempotency keys, at most `limit` at once, and tells how many. */
export async function forgetKeysStatement(sql: Sql, afterHours: number, limit: number): Promise<number> {
  const [row] = await sql.query<{ count: number }>(FORGET_KEYS, [afterHours, limit]);
  return row!.count;
}
