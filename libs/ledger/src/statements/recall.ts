import type { Sql } from '#database';

/** What an idempotency key stands for. */
export interface RecalledRow {
  owner: string;
  key: string;
  fingerprint: string;
  action_id: string;
  type: string;
  resource_id: string;
  submitted_at: Date;
  head: number;
  check: string;
}

const RECALL = `
select k.owner, k.key, k.fingerprint, k.action_id, a.type, a.resource_id, a.submitted_at,
  k.cursor_offset as head, k.cursor_check as "check"
from unnest($1::text[], $2::text[]) as i (owner, key)
join idempotency_keys k on k.owner = i.owner and k.key = i.key
join actions a on a.id = k.action_id`;

/** Reads the actions that keys were first used for. */
export function recallStatement(sql: Sql, keys: readonly { owner: string; key: string }[]): Promise<RecalledRow[]> {
  return sql.query<RecalledRow>(RECALL, [keys.map(({ owner }) => owner), keys.map(({ key }) => key)]);
}
