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
delete from idempotency_keys where (owner, key) in (
  select owner, key from idempotency_keys
  where created_at < clock_timestamp() - make_interval(hours => $1)
  order by created_at limit $2
)`;

/** Forgets idempotency keys, at most `limit` at once. */
export async function forgetKeysStatement(sql: Sql, afterHours: number, limit: number): Promise<void> {
  await sql.query(FORGET_KEYS, [afterHours, limit]);
}
