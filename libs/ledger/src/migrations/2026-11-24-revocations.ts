import { sql, type Kysely } from 'kysely';

export const revocationsMigration = {
  async up(database: Kysely<unknown>): Promise<void> {
    // Tokens of a user, or one token, issued until then are refused.
    await sql`
      create table revocations (
        kind text not null check (kind in ('user', 'token')),
        subject text not null,
        revoked_at timestamptz not null,
        primary key (kind, subject)
      )`.execute(database);
    await sql`create index revocations_by_time on revocations (revoked_at)`.execute(database);
  },
};
