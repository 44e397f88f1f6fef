import type { Sql } from '#database';

/** Those of the ids that are rooms. */
export async function existingRooms(sql: Sql, ids: readonly string[]): Promise<Set<string>> {
  if (ids.length === 0) return new Set();
  const rows = await sql.query<{ id: string }>('select id from rooms where id = any($1::uuid[])', [ids]);
  return new Set(rows.map(({ id }) => id));
}
