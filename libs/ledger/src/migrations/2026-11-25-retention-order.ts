import type { Kysely } from 'kysely';
import { sql } from 'kysely';

/**
 * Pruning one partition a transaction: the lock on a parent table is held alone, so that
 * nobody who works with both tables can deadlock with it. Actions outlive their outcomes.
 */
export const retentionOrderMigration = {
  async up(database: Kysely<unknown>): Promise<void> {
    for (const statement of [DROP_OLDEST, CREATE_OF]) await sql.raw(statement).execute(database);
  },
};

// An outcome refers to its action and is written on another day, perhaps: events go first.
const DROP_OLDEST = `
create function drop_oldest_ledger_partition(retention_days integer) returns text language plpgsql as $$
declare
  partition record;
  is_needed boolean;
  cutoff constant date := current_date - retention_days;
begin
  for partition in
    select p.relname as parent, c.relname as name
    from pg_inherits i join pg_class c on c.oid = i.inhrelid join pg_class p on p.oid = i.inhparent
    where p.relname in ('actions', 'events') and c.relname ~ '_\\d{8}$'
      and to_date(right(c.relname, 8), 'YYYYMMDD') < cutoff
    order by p.relname desc, right(c.relname, 8)
  loop
    is_needed := false;
    if partition.parent = 'actions' then
      execute format('select exists (select from %I where finished_at is null or finished_at >= $1)', partition.name)
        into is_needed using cutoff;
    end if;
    continue when is_needed;
    perform set_config('lock_timeout', '1s', true);
    execute format('drop table %I', partition.name);
    return partition.name;
  end loop;
  return null;
end $$`;

const CREATE_OF = `
create function create_ledger_partitions_of(parent text, days_ahead integer) returns integer language plpgsql as $$
declare
  day date;
  made integer := 0;
begin
  perform set_config('lock_timeout', '1s', true);
  for day in select generate_series(current_date - 1, current_date + days_ahead, '1 day')::date loop
    continue when to_regclass(format('%s_%s', parent, to_char(day, 'YYYYMMDD'))) is not null;
    begin
      execute format('create table %I partition of %I for values from (%L) to (%L)',
        parent || '_' || to_char(day, 'YYYYMMDD'), parent, uuidv7_at(day), uuidv7_at(day + 1));
      made := made + 1;
    exception when check_violation or duplicate_table then null;
    end;
  end loop;
  return made;
end $$`;
