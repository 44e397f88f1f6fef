import type { Sql } from '#database';

const EXISTING = `
select r.id from rooms r
where r.id = any($1::uuid[]) and exists (select from room_members m where m.room_id = r.id)`;

/** Those of the ids that are rooms with members: whoever deletes a large one leaves it without. */
export async function existingRooms(sql: Sql, ids: readonly string[]): Promise<Set<string>> {
  const rows = ids.length === 0 ? [] : await sql.query<{ id: string }>(EXISTING, [ids]);
  return new Set(rows.map(({ id }) => id));
}
