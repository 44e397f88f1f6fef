import { sql, type Kysely } from 'kysely';
import { runAsOwner } from './as-owner.ts';

/**
 * Makes the partition of one day, also when rows of that day are in the default partition,
 * where they came while it was missing: they move. Postgres refuses the partition otherwise,
 * and with each row more that it has to look through, it takes longer to refuse or make the next.
 */
export const ledgerDaysMigration = {
  async up(database: Kysely<unknown>): Promise<void> {
    await sql.raw(CREATE_DAY).execute(database);
    await runAsOwner(database, 'create_ledger_day(text, date, integer)');
  },
};

// The parent is locked first: an insert that has chosen the default partition by then would be
// refused there, once the day has one of its own.
const CREATE_DAY = `
create function create_ledger_day(parent text, day date, most_moved integer) returns integer
language plpgsql set timezone = 'UTC' as $$
declare
  name constant text := parent || '_' || to_char(day, 'YYYYMMDD');
  strays constant text := parent || '_default';
  start constant uuid := uuidv7_at(day);
  finish constant uuid := uuidv7_at(day + 1);
  moved integer;
begin
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
