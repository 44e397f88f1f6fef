import type { Kysely } from 'kysely';
import { sql } from 'kysely';

/** Pruning by dropping whole days. */
export const retentionMigration = {
  async up(database: Kysely<unknown>): Promise<void> {
    await sql.raw(DROP_PARTITIONS).execute(database);
  },
};

const DROP_PARTITIONS = `
create function drop_ledger_partitions(retention_days integer) returns setof text language plpgsql as $$
declare
  partition record;
  busy boolean;
begin
  perform set_config('lock_timeout', '1s', true);
  for partition in
    select p.relname as parent, c.relname as name
    from pg_inherits i join pg_class c on c.oid = i.inhrelid join pg_class p on p.oid = i.inhparent
    where p.relname in ('actions', 'events') and c.relname ~ '_\\d{8}$'
      and to_date(right(c.relname, 8), 'YYYYMMDD') < current_date - retention_days
    order by right(c.relname, 8), p.relname desc
  loop
    busy := false;
    if partition.parent = 'actions' then
      execute format('select exists (select from %I where status in (''pending'', ''running''))', partition.name) into busy;
    end if;
    continue when busy;
    execute format('drop table %I', partition.name);
    return next partition.name;
  end loop;
end $$`;
