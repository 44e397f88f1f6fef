import type { Kysely } from 'kysely';
import { sql } from 'kysely';

/**
 * The ledger: actions, their events, and the channels that number these.
 *
 * `actions` and `events` are range-partitioned by id (UUID version 7, so: by time);
 * old ones go by dropping partitions. The default partitions take what a badly wrong
 * clock produces.
 */
export const ledgerMigration = {
  async up(database: Kysely<unknown>): Promise<void> {
    for (const statement of STATEMENTS) await sql.raw(statement).execute(database);
  },
};

const STATEMENTS = [
  // The epoch tells this ledger from one that was set up anew.
  `create table ledger (
     singleton boolean primary key default true check (singleton),
     epoch text not null default right(gen_random_uuid()::text, 12)
   )`,
  `insert into ledger default values`,

  `create type action_status as enum ('pending', 'running', 'succeeded', 'failed', 'cancelled', 'expired')`,
  // Order on a resource. No cache: a later statement must never draw an earlier number.
  `create sequence action_seq cache 1`,
  `create table actions (
     id uuid primary key,
     seq bigint not null,
     owner text not null,
     type text not null,
     resource_id uuid not null,
     parent_id uuid,
     status action_status not null default 'pending',
     attempts smallint not null default 0,
     payload json,
     if_match bigint,
     traceparent text,
     submitted_at timestamptz not null,
     expires_at timestamptz not null,
     run_at timestamptz,
     finished_at timestamptz,
     response json,
     error json
   ) partition by range (id)`,
  `create table actions_default partition of actions default with (autovacuum_vacuum_scale_factor = 0.05)`,
  `create index actions_unfinished_by_resource on actions (resource_id, seq) where status in ('pending', 'running')`,
  // Another predicate, so that the planner cannot take it for finding resources, which it would
  // after a quiet time: with a backlog that is a scan of all of it.
  `create index actions_unfinished_by_seq on actions (seq) where finished_at is null`,
  `create index actions_by_owner on actions (owner, id)`,

  `create table idempotency_keys (
     owner text not null,
     key text not null,
     fingerprint text not null,
     action_id uuid not null,
     cursor_offset bigint not null,
     cursor_check text not null,
     created_at timestamptz not null default now(),
     primary key (owner, key)
   )`,
  `create index idempotency_keys_by_age on idempotency_keys (created_at)`,

  // head: offset of the newest event; head_check: its check.
  `create table channels (
     channel text primary key,
     head bigint not null,
     head_check text not null
   ) with (fillfactor = 70)`,
  // An outcome refers to its action and has no data of its own.
  `create table events (
     id uuid not null,
     channel text not null,
     "offset" bigint not null,
     type text not null,
     subject text not null,
     action_id uuid,
     data json,
     created_at timestamptz not null
   ) partition by range (id)`,
  `create table events_default partition of events default`,
  `create index events_by_offset on events (channel, "offset")`,

  `create function uuidv7_at(at timestamptz) returns uuid immutable strict language sql as $$
     select (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || '00000000000000000000')::uuid
   $$`,
  // One partition a day, made ahead of time. A day that already has rows in a default partition stays there.
  `create function create_ledger_partitions(days_ahead integer) returns integer language plpgsql as $$
   declare
     parent text;
     day date;
     made integer := 0;
   begin
     foreach parent in array array['actions', 'events'] loop
       for day in select generate_series(current_date - 1, current_date + days_ahead, '1 day')::date loop
         continue when to_regclass(format('%s_%s', parent, to_char(day, 'YYYYMMDD'))) is not null;
         begin
           execute format('create table %I partition of %I for values from (%L) to (%L)',
             parent || '_' || to_char(day, 'YYYYMMDD'), parent, uuidv7_at(day), uuidv7_at(day + 1));
           made := made + 1;
         exception when check_violation or duplicate_table then null;
         end;
       end loop;
     end loop;
     return made;
   end $$`,
  `select create_ledger_partitions(7)`,
];
