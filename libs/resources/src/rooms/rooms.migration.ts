import { sql, type Kysely } from 'kysely';

export const roomsMigration = {
  async up(database: Kysely<unknown>): Promise<void> {
    await sql`
      create table rooms (
        id uuid primary key,
        name text not null,
        creator text not null,
        version integer not null default 1,
        created_at timestamptz not null default date_trunc('milliseconds', statement_timestamp()),
        updated_at timestamptz not null default date_trunc('milliseconds', statement_timestamp())
      )`.execute(database);
    await sql`
      create table room_members (
        room_id uuid not null references rooms on delete cascade,
        user_id text not null,
        joined_at timestamptz not null default date_trunc('milliseconds', statement_timestamp()),
        primary key (room_id, user_id)
      )`.execute(database);
    await sql`create index room_members_by_user on room_members (user_id, room_id)`.execute(database);
  },
};
