import { sql, type Kysely } from 'kysely';

/** Finds the rooms that nobody manages, and tells large ones. */
export const abandonedRoomsMigration = {
  async up(database: Kysely<unknown>): Promise<void> {
    await sql`create index rooms_unmanaged on rooms (id) where creator = ''`.execute(database);
    await sql.raw(HAS_MORE).execute(database);
  },
};

// The planner takes each room for one of average size, and would sort all messages of a large one.
const HAS_MORE = `
create function room_has_more_messages(room uuid, than integer) returns boolean
language plpgsql stable set enable_sort = off set enable_bitmapscan = off as $$
begin
  return exists (
    select from messages m where m.room_id = room order by m.created_at desc, m.id desc offset than limit 1
  );
end $$`;
