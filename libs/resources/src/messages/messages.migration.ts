import { sql, type Kysely } from 'kysely';

export const messagesMigration = {
  async up(database: Kysely<unknown>): Promise<void> {
    await sql`
      create table messages (
        id uuid primary key,
        author text not null,
        text text not null,
        version integer not null default 1,
        created_at timestamptz not null default date_trunc('milliseconds', statement_timestamp()),
        updated_at timestamptz not null default date_trunc('milliseconds', statement_timestamp())
      )`.execute(database);
    await sql`create index messages_by_author on messages (author, created_at desc, id desc)`.execute(database);
  },
};
