import type { Database, ServedRow } from '#database';

/** What an idempotency key stands for. */
export interface RecalledRow extends ServedRow {
  owner: string;
  key: string;
  fingerprint: string;
  action_id: string;
  type: string;
  resource_id: string;
  submitted_at: string;
  head: number;
  check: string;
}

const RECALL = `
select k.owner, k.key, k.fingerprint, k.action_id, a.type, a.resource_id, a.submitted_at,
  k.cursor_offset as head, k.cursor_check as "check", pg_backend_pid() as backend
from unnest($1::text[], $2::text[]) as i (owner, key)
join idempotency_keys k on k.owner = i.owner and k.key = i.key
join actions a on a.id = k.action_id`;

/** Reads the actions that keys were first used for; what it returns is durable. */
export function recallStatement(
  database: Pick<Database, 'queryThenFlush'>,
  keys: readonly { owner: string; key: string }[],
): Promise<RecalledRow[]> {
  const values = [keys.map(({ owner }) => owner), keys.map(({ key }) => key)];
  return database.queryThenFlush<RecalledRow>(RECALL, values);
}
