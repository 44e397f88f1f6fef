import { sql, type Kysely } from 'kysely';

/** Has a statement fail that would finish what is finished, so that it can be sent together with COMMIT. */
export const finishedElsewhereMigration = {
  async up(database: Kysely<unknown>): Promise<void> {
    await sql`
      create function finished_elsewhere() returns boolean language plpgsql as $$
      begin
        raise exception 'an action is finished already' using errcode = 'TD001';
      end $$`.execute(database);
  },
};
