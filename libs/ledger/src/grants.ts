import type { Sql } from '#database';

/** What an app may do to the ledger and the resources, where it has a role of its own. */
const GRANTS: Record<string, readonly string[]> = {
  /** Accepts and cancels actions, and reads; changes no resource. */
  tidings_api: [
    'grant select on all tables in schema public to tidings_api',
    'grant insert on actions, idempotency_keys, events to tidings_api',
    'grant update on actions to tidings_api',
    'grant insert, update on channels, revocations to tidings_api',
    'grant usage on sequence action_seq to tidings_api',
    'grant insert on action_retries to tidings_api',
  ],
  /** What the api becomes for as long as it erases a user. */
  tidings_eraser: [
    'grant select, update, delete on all tables in schema public to tidings_eraser',
    'revoke update, delete on ledger, channels, revocations from tidings_eraser',
    'revoke all on kysely_migration, kysely_migration_lock from tidings_eraser',
  ],
  /** Applies actions: changes what is in the tables, never the tables. */
  tidings_worker: [
    'grant select, insert, update, delete on all tables in schema public to tidings_worker',
    'revoke all on revocations from tidings_worker',
    'revoke insert, update, delete on ledger, kysely_migration, kysely_migration_lock from tidings_worker',
    'grant usage on all sequences in schema public to tidings_worker',
    'grant execute on function create_ledger_partitions_of(text, integer), drop_oldest_ledger_partition(integer) to tidings_worker',
    'grant execute on function create_ledger_day(text, date, integer), note_ended_days(), drop_oldest_ledger_day(integer) to tidings_worker',
  ],
  /** Accepts actions, and reads events; sees no resource. */
  tidings_socket: [
    'grant select on ledger, actions, events, channels, channel_members, deliveries, revocations, idempotency_keys, kysely_migration to tidings_socket',
    'grant insert on actions, idempotency_keys to tidings_socket',
    'grant insert, update on deliveries to tidings_socket',
    'grant usage on sequence action_seq to tidings_socket',
  ],
};

/**
 * Grants each app that has a role of its own what it needs, in the tables that there are now;
 * the roles are made by `infra/postgres/roles.sql`. Partitions are reached by their parents.
 *
 * @returns the roles
 */
export async function grantToRoles(sql: Sql): Promise<string[]> {
  const rows = await sql.query<{ name: string }>(
    'select rolname as name from pg_roles where rolname = any($1) order by 1',
    [Object.keys(GRANTS)],
  );
  for (const { name } of rows) for (const grant of GRANTS[name]!) await sql.query(grant);
  return rows.map(({ name }) => name);
}
