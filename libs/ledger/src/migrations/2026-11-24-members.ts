import { sql, type Kysely } from 'kysely';

export const membersMigration = {
  async up(database: Kysely<unknown>): Promise<void> {
    // Who may hear a channel, and the event with which that began: the floor of their replays.
    await sql`
      create table channel_members (
        channel text not null,
        user_id text not null,
        since bigint not null,
        since_check text not null,
        primary key (channel, user_id)
      )`.execute(database);
  },
};
