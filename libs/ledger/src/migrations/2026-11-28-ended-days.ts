import { sql, type Kysely } from 'kysely';
import { runAsOwner } from './as-owner.ts';

/**
 * An outcome refers to its action, and may come days after it: actions are kept until the day is
 * pruned on which the last of their outcomes can have been written. To look for that in the rows
 * of a day takes longer than a transaction may, so it is noted when all actions of a day have ended.
 */
export const endedDaysMigration = {
  async up(database: Kysely<unknown>): Promise<void> {
    await sql`create table ended_days (day date primary key, ended_on date not null default current_date)`.execute(
      database,
    );
    for (const statement of [NOTE_ENDED, DROP_OLDEST]) await sql.raw(statement).execute(database);
    for (const name of ['note_ended_days()', 'drop_oldest_ledger_day(integer)']) await runAsOwner(database, name);
  },
};

// Unfinished actions have an index, in which nothing is left of a day that has ended. A process
// whose clock is wrong may add some to a day that had.
const NOTE_ENDED = `
create function note_ended_days() returns void
language plpgsql set timezone = 'UTC' set enable_seqscan = off as $$
declare
  partition record;
  has_ended boolean;
begin
  delete from ended_days d where to_regclass('actions_' || to_char(d.day, 'YYYYMMDD')) is null;
  for partition in
    select c.relname as name, to_date(right(c.relname, 8), 'YYYYMMDD') as day
    from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'actions'::regclass and c.relname ~ '_\\d{8}$'
      and right(c.relname, 8) < to_char(current_date, 'YYYYMMDD')
  loop
    execute format('select not exists (select from %I where finished_at is null)', partition.name) into has_ended;
    if has_ended then
      insert into ended_days (day) values (partition.day) on conflict do nothing;
    else
      delete from ended_days where day = partition.day;
    end if;
  end loop;
end $$`;

// Events go first. One partition a transaction: the lock on a parent is held alone, so that nobody
// who works with both tables can deadlock with it.
const DROP_OLDEST = `
create function drop_oldest_ledger_day(retention_days integer) returns text
language plpgsql set timezone = 'UTC' set enable_seqscan = off as $$
declare
  cutoff constant date := current_date - retention_days;
  name text;
  is_busy boolean;
begin
  select c.relname into name
  from pg_inherits i join pg_class c on c.oid = i.inhrelid
  left join ended_days e on c.relname = 'actions_' || to_char(e.day, 'YYYYMMDD')
  where i.inhparent in ('actions'::regclass, 'events'::regclass) and c.relname ~ '_\\d{8}$'
    and right(c.relname, 8) < to_char(cutoff, 'YYYYMMDD')
    and (i.inhparent = 'events'::regclass or e.ended_on < cutoff)
  order by c.relname ~ '^actions_', c.relname
  limit 1;
  if name is null then return null; end if;
  if name ~ '^actions_' then
    -- A process whose clock is wrong may have added one since the day was noted.
    lock table actions in access exclusive mode;
    execute format('select exists (select from %I where finished_at is null)', name) into is_busy;
    if is_busy then
      delete from ended_days d where name = 'actions_' || to_char(d.day, 'YYYYMMDD');
      return null;
    end if;
  end if;
  execute format('drop table %I', name);
  return name;
end $$`;
