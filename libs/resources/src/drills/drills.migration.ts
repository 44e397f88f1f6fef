import { sql, type Kysely } from 'kysely';

export const drillsMigration = {
  async up(database: Kysely<unknown>): Promise<void> {
    await sql`create table drills (id uuid primary key, owner text not null, version integer not null)`.execute(
      database,
    );
    // One row for each time that an action took effect: there must be exactly one.
    await sql`
      create table drill_effects (
        n bigint generated always as identity primary key,
        drill_id uuid not null,
        action_id uuid not null
      )`.execute(database);
    // Attempts that a crash may not undo.
    await sql`create unlogged table drill_attempts (action_id uuid primary key, attempts integer not null)`.execute(
      database,
    );
  },
};
