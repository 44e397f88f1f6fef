import { sql, type Kysely } from 'kysely';

export const messagesInRoomsMigration = {
  async up(database: Kysely<unknown>): Promise<void> {
    await sql`alter table messages add column room_id uuid references rooms on delete cascade`.execute(database);
    await sql`
      create index messages_by_room on messages (room_id, created_at desc, id desc)
      where room_id is not null`.execute(database);
  },
};
