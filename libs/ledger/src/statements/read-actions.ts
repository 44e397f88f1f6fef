import type { ActionStatus } from '#contracts';
import type { Sql } from '#database';
import { PUBLIC_COLUMNS, type PublicActionRow } from '../action-row.ts';

const FIND = `select ${PUBLIC_COLUMNS} from actions a where a.id = $1 and a.owner = $2`;

/** Reads one action of an owner. */
export async function findActionStatement(sql: Sql, owner: string, id: string): Promise<PublicActionRow | undefined> {
  const [row] = await sql.query<PublicActionRow>(FIND, [id, owner]);
  return row;
}

const FINISHED = `
select ${PUBLIC_COLUMNS} from actions a
where a.id = any($1::uuid[]) and a.status not in ('pending', 'running')`;

/** Reads those of the actions that have their outcome. */
export function finishedActionsStatement(sql: Sql, ids: readonly string[]): Promise<PublicActionRow[]> {
  return sql.query<PublicActionRow>(FINISHED, [ids]);
}

export interface ActionFilter {
  status?: ActionStatus | undefined;
  type?: string | undefined;
  resourceId?: string | undefined;
  /** Id of the last action of the previous page. */
  before?: string | undefined;
  limit: number;
}

const LIST = `
select ${PUBLIC_COLUMNS} from actions a
where a.owner = $1
  and ($2::action_status is null or a.status = $2)
  and ($3::text is null or a.type = $3)
  and ($4::uuid is null or a.resource_id = $4)
  and ($5::uuid is null or a.id < $5)
order by a.id desc
limit $6`;

/** Reads the actions of an owner, the newest first. */
export function listActionsStatement(sql: Sql, owner: string, filter: ActionFilter): Promise<PublicActionRow[]> {
  return sql.query<PublicActionRow>(LIST, [
    owner,
    filter.status ?? null,
    filter.type ?? null,
    filter.resourceId ?? null,
    filter.before ?? null,
    filter.limit,
  ]);
}

const OWNERS = `
select distinct a.owner from actions a
where a.id = any($1::uuid[]) and a.status not in ('pending', 'running')`;

/** Reads who owns those of the actions that have their outcome. */
export async function ownersOfFinishedStatement(sql: Sql, ids: readonly string[]): Promise<string[]> {
  const rows = await sql.query<{ owner: string }>(OWNERS, [ids]);
  return rows.map(({ owner }) => owner);
}
