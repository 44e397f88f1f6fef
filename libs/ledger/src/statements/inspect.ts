import type { ActionStatus } from '#contracts';
import type { Sql } from '#database';
import { PUBLIC_COLUMNS, type ActionRow, type PublicActionRow } from '../action-row.ts';

/** An action with all that operators may see. */
export type InspectedRow = PublicActionRow &
  Pick<ActionRow, 'owner' | 'payload' | 'if_match' | 'traceparent' | 'expires_at' | 'run_at'> & {
    /** The action that it was a retry of. */
    retry_of: string | null;
    /** The action by which it was tried again. */
    retried_by: string | null;
  };

const INSPECT = `
select ${PUBLIC_COLUMNS}, a.owner, a.payload, a.if_match, a.traceparent, a.expires_at, a.run_at,
  (select r.retry_of from action_retries r where r.action_id = a.id limit 1) as retry_of,
  (select r.action_id from action_retries r where r.retry_of = a.id) as retried_by
from actions a`;

export interface InspectionFilter {
  status?: ActionStatus | undefined;
  type?: string | undefined;
  owner?: string | undefined;
  /** Id of the last action of the previous page. */
  before?: string | undefined;
  limit: number;
}

/** Reads the actions of all owners, the newest first. */
export function inspectActionsStatement(sql: Sql, filter: InspectionFilter): Promise<InspectedRow[]> {
  const text = `${INSPECT}
where ($1::action_status is null or a.status = $1)
  and ($2::text is null or a.type = $2)
  and ($3::text is null or a.owner = $3)
  and ($4::uuid is null or a.id < $4)
order by a.id desc
limit $5`;
  const { status, type, owner, before, limit } = filter;
  return sql.query<InspectedRow>(text, [status ?? null, type ?? null, owner ?? null, before ?? null, limit]);
}

/** Reads an action, whoever owns it. */
export async function inspectActionStatement(sql: Sql, id: string): Promise<InspectedRow | undefined> {
  const [row] = await sql.query<InspectedRow>(`${INSPECT} where a.id = $1`, [id]);
  return row;
}

const RETRIED = `
insert into action_retries (retry_of, action_id, operator) values ($1, $2, $3) on conflict (retry_of) do nothing`;

/** Notes that an action stands for another one. */
export async function recordRetryStatement(sql: Sql, retryOf: string, id: string, operator: string): Promise<void> {
  await sql.query(RETRIED, [retryOf, id, operator]);
}
