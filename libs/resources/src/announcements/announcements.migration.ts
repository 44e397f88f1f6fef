import { sql, type Kysely } from 'kysely';

export const announcementsMigration = {
  async up(database: Kysely<unknown>): Promise<void> {
    await sql`
      create table announcements (
        id uuid primary key,
        author text not null,
        audience text not null,
        title text not null,
        body text not null,
        created_at timestamptz not null default date_trunc('milliseconds', statement_timestamp())
      )`.execute(database);
    await sql`create index announcements_by_author on announcements (author, created_at desc, id desc)`.execute(
      database,
    );
  },
};
