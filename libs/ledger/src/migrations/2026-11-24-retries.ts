import { sql, type Kysely } from 'kysely';

export const retriesMigration = {
  async up(database: Kysely<unknown>): Promise<void> {
    // An outcome is final, so what an operator tries again is another action: which one it stands for.
    await sql`
      create table action_retries (
        retry_of uuid primary key,
        action_id uuid not null,
        operator text not null,
        created_at timestamptz not null default now()
      )`.execute(database);
  },
};
