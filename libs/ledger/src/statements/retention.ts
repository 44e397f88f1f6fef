import type { Sql } from '#database';

/** Days for which partitions are made ahead. */
const DAYS_AHEAD = 7;

/** Makes the partitions of the coming days. */
export async function createPartitionsStatement(sql: Sql): Promise<void> {
  await sql.query('select create_ledger_partitions($1)', [DAYS_AHEAD]);
}

/**
 * Drops the partitions whose days are all before `retentionDays` ago, oldest first, save
 * for those that hold an unfinished action.
 *
 * @returns their names
 */
export async function dropPartitionsStatement(sql: Sql, retentionDays: number): Promise<string[]> {
  const rows = await sql.query<{ name: string }>('select drop_ledger_partitions($1) as name', [retentionDays]);
  return rows.map(({ name }) => name);
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
