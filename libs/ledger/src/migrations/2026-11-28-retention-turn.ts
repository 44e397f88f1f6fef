import { sql, type Kysely } from 'kysely';

/** When the retention is to run next: whichever worker comes first then takes the turn. */
export const retentionTurnMigration = {
  async up(database: Kysely<unknown>): Promise<void> {
    await sql`
      create table retention_turn (
        singleton boolean primary key default true check (singleton),
        due_at timestamptz not null default '-infinity'
      )`.execute(database);
    await sql`insert into retention_turn default values`.execute(database);
  },
};
