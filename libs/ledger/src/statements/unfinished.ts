import type { Sql } from '#database';
import type { ActionRow } from '../action-row.ts';

/** An unfinished action, and what keeps it from being applied now. */
export interface UnfinishedRow extends ActionRow {
  /** Its retry is not due yet. */
  delayed: boolean;
  /** Its time is over: it must end as `expired`. */
  overdue: boolean;
  /** The same owner's action on its parent is unfinished and came before. */
  parent_unfinished: boolean;
}

const COLUMNS = `
  a.id, a.seq, a.owner, a.type, a.resource_id, a.parent_id, a.status, a.attempts, a.payload, a.if_match,
  a.traceparent, a.submitted_at, a.expires_at, a.run_at, a.finished_at, a.response, a.error,
  coalesce(a.run_at > clock_timestamp(), false) as delayed,
  a.expires_at <= clock_timestamp() as overdue,
  a.parent_id is not null and exists (
    select from actions p
    where p.resource_id = a.parent_id and p.owner = a.owner and p.seq < a.seq and p.status in ('pending', 'running')
  ) as parent_unfinished`;

const OF_RESOURCES = `
select ${COLUMNS}
from actions a
where a.resource_id = any($1::uuid[]) and a.status in ('pending', 'running')
order by a.seq
limit $2`;

/** Reads the unfinished actions of resources in their order; a prefix for each resource when there are more than `limit`. */
export function unfinishedOfResourcesStatement(
  sql: Sql,
  resourceIds: readonly string[],
  limit: number,
): Promise<UnfinishedRow[]> {
  return sql.query<UnfinishedRow>(OF_RESOURCES, [resourceIds, limit]);
}

/** An action, as far as a ticket has to name it. */
export interface ActionKey {
  id: string;
  resourceId: string;
  parentId: string | null;
}

const OLDEST = `
select a.id, a.resource_id as "resourceId", a.parent_id as "parentId"
from actions a
where a.status in ('pending', 'running')
  and a.submitted_at < clock_timestamp() - make_interval(secs => $1::double precision / 1000)
  and (a.run_at is null or a.run_at < clock_timestamp() - make_interval(secs => $1::double precision / 1000))
order by a.seq
limit $2`;

/** Names the oldest actions that have been due, and unfinished, for at least `olderThanMs`. */
export function oldestUnfinishedStatement(sql: Sql, olderThanMs: number, limit: number): Promise<ActionKey[]> {
  return sql.query<ActionKey>(OLDEST, [olderThanMs, limit]);
}
