import { sql, type Kysely } from 'kysely';

export const deliveriesMigration = {
  async up(database: Kysely<unknown>): Promise<void> {
    // Up to where a user has handled a channel.
    await sql`
      create table deliveries (
        user_id text not null,
        channel text not null,
        "offset" bigint not null,
        primary key (user_id, channel)
      ) with (fillfactor = 70)`.execute(database);
  },
};
