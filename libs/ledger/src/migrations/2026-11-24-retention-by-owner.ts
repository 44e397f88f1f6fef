import type { Kysely } from 'kysely';
import { sql } from 'kysely';

/** Workers need not own the ledger to keep its partitions: these two functions do it as the owner. */
export const retentionByOwnerMigration = {
  async up(database: Kysely<unknown>): Promise<void> {
    for (const name of ['create_ledger_partitions', 'drop_ledger_partitions']) {
      const signature = sql`${sql.ref(name)}(integer)`;
      await sql`alter function ${signature} security definer`.execute(database);
      // Nothing that a caller has put into its own search path.
      await sql`
        do $$ begin
          execute format('alter function ${sql.raw(name)}(integer) set search_path = %I, pg_temp', current_schema());
        end $$`.execute(database);
      await sql`revoke execute on function ${signature} from public`.execute(database);
    }
  },
};
