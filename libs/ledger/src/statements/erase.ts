import { userChannel } from '#contracts';
import type { Sql } from '#database';
import type { EndableRow } from './overdue.ts';

const UNFINISHED = `
select a.id, a.owner, a.type, a.resource_id, a.parent_id, a.attempts, a.submitted_at, a.traceparent
from actions a
where a.owner = $1 and a.status in ('pending', 'running')
order by a.seq
limit $2`;

/** Reads the actions of an owner that have no outcome yet. */
export function unfinishedOfOwnerStatement(sql: Sql, owner: string, limit: number): Promise<EndableRow[]> {
  return sql.query<EndableRow>(UNFINISHED, [owner, limit]);
}

const BECOME = `
select set_config('role', r.rolname, true) from pg_roles r
where r.rolname = 'tidings_eraser' and pg_has_role(current_user, r.oid, 'SET')`;

const IDLE_MS = 3_500;

/**
 * For the rest of the transaction: the role that may erase, where apps have roles of their own, and
 * as much time as its statements take, but none between them: who is frozen there holds up others.
 */
export async function becomeEraserStatement(sql: Sql): Promise<void> {
  // The role that the app logs in with has a limit of its own.
  await sql.query(
    `select set_config('transaction_timeout', '0', true), set_config('idle_in_transaction_session_timeout', $1, true)`,
    [String(IDLE_MS)],
  );
  await sql.query(BECOME);
}

/*
 * Where the days of events begin. From one to the next is one partition; what is before the
 * first, after the last, or in a day without a partition, is in the default one.
 */
const DAYS = `
select uuidv7_at(to_date(right(c.relname, 8), 'YYYYMMDD')) as start
from pg_inherits i join pg_class c on c.oid = i.inhrelid
where i.inhparent = 'events'::regclass and c.relname ~ '_\\d{8}$'
order by 1`;

const FIRST_ID = '00000000-0000-0000-0000-000000000000';
const LAST_ID = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

/*
 * Events keep their place: a channel without holes is what everyone else relies on. An outcome
 * has no data of its own, so it is blank once its action is.
 */
const BLANK_EVENTS = `
with blank as (
  update events e set data = '{"erased":true}'
  where e.id >= $3 and e.id < $4 and e.data is not null
    and (e.channel = $2 or e.action_id in (select a.id from actions a where a.owner = $1))
  returning 1
)
select count(*)::integer as size from blank`;

/** From where to where events are read at once. */
export type EventRange = readonly [from: string, to: string];

export async function eventRangesStatement(sql: Sql): Promise<EventRange[]> {
  const days = await sql.query<{ start: string }>(DAYS);
  const bounds = [FIRST_ID, ...days.map(({ start }) => start), LAST_ID];
  return bounds.slice(1).map((to, index) => [bounds[index]!, to]);
}

/**
 * Blanks the events of a range that a user caused, or was told alone. No index leads from an action
 * to its events, so all of them are read: by way of the parent, since an app has no right to the
 * partitions themselves.
 */
export async function eraseEventsStatement(sql: Sql, user: string, [from, to]: EventRange): Promise<number> {
  const [row] = await sql.query<{ size: number }>(BLANK_EVENTS, [user, userChannel(user), from, to]);
  return row!.size;
}

const BLANK_ACTIONS = `
with blank as (
  update actions a
  set payload = null, traceparent = null, response = null,
    error = (a.error::jsonb - 'current' - 'errors' || jsonb_build_object('detail', a.error->>'title'))::json
  where a.owner = $1 and a.status not in ('pending', 'running')
  returning 1
)
select count(*)::integer as size from blank`;

const FORGET = [
  'delete from idempotency_keys where owner = $1',
  'delete from deliveries where user_id = $1',
  'delete from channel_members where user_id = $1',
];

/** Blanks the actions of a user, all of which have ended, and forgets what else there is. */
export async function eraseActionsStatements(sql: Sql, user: string): Promise<number> {
  const [row] = await sql.query<{ size: number }>(BLANK_ACTIONS, [user]);
  for (const text of FORGET) await sql.query(text, [user]);
  return row!.size;
}
