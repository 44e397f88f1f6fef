import type { Sql } from '#database';
import type { ActionRow } from '../action-row.ts';
import type { BacklogPiece } from './backlog-piece.ts';

const OVERDUE = `
select a.id, a.owner, a.type, a.resource_id, a.parent_id, a.attempts, a.submitted_at, a.traceparent
from actions a
where a.finished_at is null and a.seq > $2 and a.seq <= $3 and a.expires_at <= clock_timestamp()
order by a.seq
limit $1`;

/** An action that is about to end without having been applied. */
export type EndableRow = Pick<
  ActionRow,
  'id' | 'owner' | 'type' | 'resource_id' | 'parent_id' | 'attempts' | 'submitted_at' | 'traceparent'
>;

/** Reads unfinished actions whose time is over. */
export function overdueStatement(sql: Sql, limit: number, { after, upTo }: BacklogPiece): Promise<EndableRow[]> {
  return sql.query<EndableRow>(OVERDUE, [limit, after, upTo]);
}

const OWN = `
select a.id, a.owner, a.type, a.resource_id, a.parent_id, a.attempts, a.submitted_at, a.traceparent
from actions a
where a.id = $1 and a.owner = $2 and a.status in ('pending', 'running')`;

/** Reads an own action that can still be cancelled. */
export async function cancellableStatement(sql: Sql, owner: string, id: string): Promise<EndableRow | undefined> {
  const [row] = await sql.query<EndableRow>(OWN, [id, owner]);
  return row;
}
