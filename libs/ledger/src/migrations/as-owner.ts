import { sql, type Kysely } from 'kysely';

/** Has a function do its work as the owner of the ledger, for those alone to whom it is granted. */
export async function runAsOwner(database: Kysely<unknown>, signature: string): Promise<void> {
  const name = sql.raw(signature);
  await sql`alter function ${name} security definer`.execute(database);
  // Nothing that a caller has put into its own search path.
  await sql`
    do $$ begin
      execute format('alter function ${name} set search_path = %I, pg_temp', current_schema());
    end $$`.execute(database);
  await sql`revoke execute on function ${name} from public`.execute(database);
}
