import type { Sql } from '#database';

const EXISTING = 'select id from rooms where id = any($1::uuid[])';

/** Those of the ids that are rooms. */
export async function existingRooms(sql: Sql, ids: readonly string[]): Promise<Set<string>> {
  const rows = ids.length === 0 ? [] : await sql.query<{ id: string }>(EXISTING, [ids]);
  return new Set(rows.map(({ id }) => id));
}
