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

const PARTITIONS = `
select inhrelid::regclass::text as name from pg_inherits where inhparent = 'events'::regclass order by 1`;

/*
 * Events keep their place: a channel without holes is what everyone else relies on. An outcome
 * has no data of its own, so it is blank once its action is.
 */
const blankEventsOf = (partition: string): string => `
with blank as (
  update ${partition} e set data = '{"erased":true}'
  where e.data is not null
    and (e.channel = $2 or e.action_id in (select a.id from actions a where a.owner = $1))
  returning 1
)
select count(*)::integer as size from blank`;

/**
 * Blanks the events that a user caused, or was told alone. No index leads from an action to its
 * events, so all of them are read: a partition at a time, each for itself.
 */
export async function eraseEventsStatements(sql: Sql, user: string): Promise<number> {
  let erased = 0;
  for (const { name } of await sql.query<{ name: string }>(PARTITIONS)) {
    const [row] = await sql.query<{ size: number }>(blankEventsOf(name), [user, userChannel(user)]);
    erased += row!.size;
  }
  return erased;
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
