import { sql, type Kysely } from 'kysely';

/** Finds the rooms that nobody manages. */
export const abandonedRoomsMigration = {
  async up(database: Kysely<unknown>): Promise<void> {
    await sql`create index rooms_unmanaged on rooms (id) where creator = ''`.execute(database);
  },
};
