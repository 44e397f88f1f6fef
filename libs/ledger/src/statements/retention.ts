import type { Sql } from '#database';

/** Days for which partitions are made ahead. */
const DAYS_AHEAD = 7;

// It is never put off for as long as a day, unless by a clock that was ahead.
const TAKE_TURN = `
update retention_turn set due_at = clock_timestamp() + make_interval(secs => $1)
where due_at <= clock_timestamp() or due_at > clock_timestamp() + interval '1 day'
returning 1`;

/**
 * Takes the turn to run the retention, if it is due.
 *
 * @param againSeconds when it is due again, unless it is put off
 */
export async function takeRetentionTurnStatement(sql: Sql, againSeconds: number): Promise<boolean> {
  return (await sql.query(TAKE_TURN, [againSeconds])).length > 0;
}

/** Puts the next turn off: this one has done all there was to do. */
export async function putOffRetentionStatement(sql: Sql, seconds: number): Promise<void> {
  await sql.query('update retention_turn set due_at = clock_timestamp() + make_interval(secs => $1)', [seconds]);
}

/** For the rest of the transaction: gives way when a lock cannot be had. Who comes later waits behind who waits. */
export async function giveWayStatement(sql: Sql, afterMs: number): Promise<void> {
  await sql.query(`select set_config('lock_timeout', $1, true)`, [`${afterMs}ms`]);
}

/** A day of one of the two tables that are partitioned by days. */
export interface LedgerDay {
  parent: 'actions' | 'events';
  /** As `2026-11-28`. */
  day: string;
}

const MISSING = `
select p.parent, d.day::date::text as day
from unnest(array['actions', 'events']) as p (parent)
cross join generate_series(current_date - 1, current_date + $1::integer, '1 day') as d (day)
where to_regclass(p.parent || '_' || to_char(d.day, 'YYYYMMDD')) is null
order by d.day, p.parent`;

/** Names those of the coming days, and of today and yesterday, that have no partition. */
export function missingDaysStatement(sql: Sql): Promise<LedgerDay[]> {
  return sql.query<LedgerDay>(MISSING, [DAYS_AHEAD]);
}

/** The first 48 bits of a UUID version 7 are its time, in milliseconds. */
const strayDaysOf = (parent: LedgerDay['parent']): string => `
select distinct '${parent}' as parent, s.day::text as day from (
  select (to_timestamp(('x' || left(replace(id::text, '-', ''), 12))::bit(48)::bigint / 1000.0) at time zone 'UTC')::date as day
  from ${parent}_default
) s where s.day <= current_date + $1::integer`;

/**
 * Names the days of which rows are in a default partition, save for those of a far future, which
 * only a wrong clock can have made. Reads all of the default partitions.
 */
export function strayDaysStatement(sql: Sql): Promise<LedgerDay[]> {
  return sql.query<LedgerDay>(`${strayDaysOf('actions')} union all ${strayDaysOf('events')}`, [DAYS_AHEAD]);
}

/**
 * Makes the partition of a day, and moves the rows into it that are in the default partition. Nobody
 * else can use the table meanwhile.
 *
 * @param mostMoved leaves it, when there are more; null: takes as long as it takes
 * @returns how many were moved; null when that would be too many
 */
export async function createDayStatement(
  sql: Sql,
  { parent, day }: LedgerDay,
  mostMoved: number | null,
): Promise<number | null> {
  const [row] = await sql.query<{ moved: number | null }>('select create_ledger_day($1, $2, $3) as moved', [
    parent,
    day,
    mostMoved,
  ]);
  return row!.moved;
}

/** Notes which days have no unfinished action (any more): actions are kept as long after that as events are. */
export async function noteEndedDaysStatement(sql: Sql): Promise<void> {
  await sql.query('select note_ended_days()');
}

/**
 * Drops the oldest partition that is not needed any more: events of a day before `retentionDays`
 * ago; then actions, when it was before that day, too, that the last of theirs had ended, so that no
 * outcome is left without its action.
 *
 * @returns its name, or null when there is none (left)
 */
export async function dropOldestDayStatement(sql: Sql, retentionDays: number): Promise<string | null> {
  const [row] = await sql.query<{ name: string | null }>('select drop_oldest_ledger_day($1) as name', [retentionDays]);
  return row!.name;
}

const FORGET_KEYS = `
with forgotten as (
  delete from idempotency_keys where (owner, key) in (
    select owner, key from idempotency_keys
    where created_at < clock_timestamp() - make_interval(hours => $1)
    order by created_at limit $2
  )
  returning 1
)
select count(*)::integer as count from forgotten`;

/** Forgets idempotency keys, at most `limit` at once, and tells how many. */
export async function forgetKeysStatement(sql: Sql, afterHours: number, limit: number): Promise<number> {
  const [row] = await sql.query<{ count: number }>(FORGET_KEYS, [afterHours, limit]);
  return row!.count;
}
