import { sql, type Kysely } from 'kysely';
import { runAsOwner } from './as-owner.ts';

/**
 * Those who make the partition of a day take turns: two that looked for its rows at the same moment
 * kept each other from locking the default partition, and everyone else from the table, until the
 * deadlock was detected.
 */
export const daysInTurnMigration = {
  async up(database: Kysely<unknown>): Promise<void> {
    await sql.raw(CREATE_DAY).execute(database);
    await runAsOwner(database, 'create_ledger_day(text, date, integer)');
  },
};

// First the turn, which keeps no reader and no writer waiting; then the parent, since an insert that
// has chosen the default partition by then would be refused there, once the day has one of its own.
const CREATE_DAY = `
create or replace function create_ledger_day(parent text, day date, most_moved integer) returns integer
language plpgsql set timezone = 'UTC' as $$
declare
  name constant text := parent || '_' || to_char(day, 'YYYYMMDD');
  strays constant text := parent || '_default';
  start constant uuid := uuidv7_at(day);
  finish constant uuid := uuidv7_at(day + 1);
  moved integer;
begin
  execute format('lock table %I in share update exclusive mode', strays);
  execute format('select count(*) from (select from %I where id >= $1 and id < $2 limit $3) s', strays)
    into moved using start, finish, most_moved::bigint + 1;
  if moved > most_moved then return null; end if;
  execute format('lock table only %I in access exclusive mode', parent);
  if to_regclass(name) is not null then return 0; end if;
  execute format('create table %I (like %I including all)', name, parent);
  execute format('with moved as (delete from %I where id >= $1 and id < $2 returning *)
    insert into %I select * from moved', strays, name) using start, finish;
  get diagnostics moved = row_count;
  execute format('alter table %I attach partition %I for values from (%L) to (%L)', parent, name, start, finish);
  return moved;
end $$`;
