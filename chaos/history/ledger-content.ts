import type { LedgerCheck } from '#testing';
import type { LedgerContent } from './history.ts';

const ACTIONS = `
select a.id::text, a.owner, a.type, a.status::text, a.seq::integer, k.key,
  extract(epoch from a.finished_at)::double precision * 1000 as "finishedAt"
from actions a left join idempotency_keys k on k.action_id = a.id order by a.seq`;

const EVENTS = `
select id::text, channel, "offset"::integer, type, action_id::text as "actionId" from events order by channel, "offset"`;

/** Reads all of a ledger. */
export async function readLedger(ledger: LedgerCheck): Promise<LedgerContent> {
  return { actions: await ledger.query(ACTIONS), events: await ledger.query(EVENTS) };
}
