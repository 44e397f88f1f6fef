import type { Sql } from '#database';
import type { ActionRow } from '../action-row.ts';
import type { BacklogPiece } from './backlog-piece.ts';

/** An unfinished action, and what keeps it from being applied now. */
export interface UnfinishedRow extends Omit<ActionRow, 'expires_at' | 'run_at' | 'finished_at' | 'response' | 'error'> {
  /** Its retry is not due yet. */
  delayed: boolean;
  /** It is within two seconds: by the clock of another server, it may be by now. */
  due_soon: boolean;
  /** Its time is over: it must end as `expired`. */
  overdue: boolean;
  /** The same owner's action on its parent is unfinished and came before. */
  parent_unfinished: boolean;
}

const COLUMNS = `
  a.id, a.seq, a.owner, a.type, a.resource_id, a.parent_id, a.status, a.attempts, a.payload, a.if_match,
  a.traceparent, a.submitted_at,
  coalesce(a.run_at > clock_timestamp(), false) as delayed,
  coalesce(a.run_at between clock_timestamp() and clock_timestamp() + interval '2 seconds', false) as due_soon,
  a.expires_at <= clock_timestamp() as overdue,
  a.parent_id is not null and exists (
    select from actions p
    where p.resource_id = a.parent_id and p.owner = a.owner and p.seq < a.seq and p.status in ('pending', 'running')
  ) as parent_unfinished`;

// Of each resource by itself, so that no more is read of one on which very much waits. The array
// stands in a subquery for the sake of the prepared plan, as where actions are finished.
const OF_RESOURCES = `
select ${COLUMNS}
from unnest((select $1::uuid[])) as r (id) cross join lateral (
  select u.* from actions u
  where u.resource_id = r.id and u.status in ('pending', 'running')
  order by u.seq limit $2
) a
order by a.seq`;

/** Reads the unfinished actions of resources in their order: the first `mostEach` of each resource. */
export function unfinishedOfResourcesStatement(
  sql: Sql,
  resourceIds: readonly string[],
  mostEach: number,
): Promise<UnfinishedRow[]> {
  return sql.query<UnfinishedRow>(OF_RESOURCES, [resourceIds, mostEach]);
}

/** An action, as far as a ticket has to name it. */
export interface ActionKey {
  id: string;
  resourceId: string;
  parentId: string | null;
  seq: number;
  /** It was being performed, and its lease is over. */
  isRunning: boolean;
}

/**
 * Nothing unfinished stands before an action `a` on its resource. Looked up for each (offset 0 keeps
 * the planner from a join): joined, all actions of a resource are compared with each other, and tens
 * of thousands take longer than a transaction may.
 */
export const IS_FIRST = `not exists (
    select from actions p
    where p.resource_id = a.resource_id and p.seq < a.seq and p.status in ('pending', 'running') offset 0
  )`;

const OLDEST = `
select a.id, a.seq, a.resource_id as "resourceId", a.parent_id as "parentId", a.status = 'running' as "isRunning"
from actions a
where a.finished_at is null and a.seq > $3 and a.seq <= $4
  and a.submitted_at < clock_timestamp() - make_interval(secs => $1::double precision / 1000)
  and (a.run_at is null or a.run_at < clock_timestamp() - make_interval(secs => $1::double precision / 1000))
  and ${IS_FIRST}
order by a.seq
limit $2`;

/**
 * Names the oldest actions that have been due, and unfinished, for at least `olderThanMs`:
 * of each resource only the first, so that many which wait on one do not hide the others.
 */
export function oldestUnfinishedStatement(
  sql: Sql,
  olderThanMs: number,
  limit: number,
  { after, upTo }: BacklogPiece,
): Promise<ActionKey[]> {
  return sql.query<ActionKey>(OLDEST, [olderThanMs, limit, after, upTo]);
}

const ANY_OLDER = `
select exists (
  select from actions
  where finished_at is null
    and submitted_at < clock_timestamp() - make_interval(secs => $1::double precision / 1000)
) as "any"`;

/** Whether an action is unfinished for that long, whatever it waits for: that much can be told at once. */
export async function isAnyUnfinishedStatement(sql: Sql, olderThanMs: number): Promise<boolean> {
  const [row] = await sql.query<{ any: boolean }>(ANY_OLDER, [olderThanMs]);
  return row!.any;
}

const BUSY = `
select r.id from unnest($1::uuid[]) as r (id)
where exists (select from actions a where a.resource_id = r.id and a.status in ('pending', 'running'))`;

/** Those of the resources on which something is unfinished. */
export async function busyResourcesStatement(sql: Sql, resourceIds: readonly string[]): Promise<Set<string>> {
  const rows = await sql.query<{ id: string }>(BUSY, [resourceIds]);
  return new Set(rows.map(({ id }) => id));
}
