import type { Kysely } from 'kysely';
import { sql } from 'kysely';

const FUNCTIONS = ['create_ledger_partitions_of(text, integer)', 'drop_oldest_ledger_partition(integer)'];

/** Workers need not own the ledger to keep its partitions: these two functions do it as the owner. */
export const retentionRightsMigration = {
  async up(database: Kysely<unknown>): Promise<void> {
    for (const name of FUNCTIONS) {
      const signature = sql.raw(name);
      await sql`alter function ${signature} security definer`.execute(database);
      // Nothing that a caller has put into its own search path.
      await sql`
        do $$ begin
          execute format('alter function ${signature} set search_path = %I, pg_temp', current_schema());
        end $$`.execute(database);
      await sql`revoke execute on function ${signature} from public`.execute(database);
    }
  },
};
