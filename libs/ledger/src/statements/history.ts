import type { Sql } from '#database';
import type { OutcomeRow } from '../action-row.ts';

/** The newest position of a channel. */
export interface HeadRow {
  channel: string;
  head: number;
  /** Check of the newest event; the epoch of the ledger when there is none. */
  check: string;
  /** Tells this ledger from one that was set up anew. */
  epoch: string;
}

const HEADS = `
select i.channel, coalesce(c.head, 0) as head, coalesce(c.head_check, l.epoch) as "check", l.epoch
from unnest($1::text[]) as i (channel) cross join ledger l left join channels c on c.channel = i.channel`;

/** Reads the newest positions of channels, in one query. */
export function headsStatement(sql: Sql, channels: readonly string[]): Promise<HeadRow[]> {
  return sql.query<HeadRow>(HEADS, [channels]);
}

export interface HistoryRange {
  channel: string;
  /** First offset that is read. */
  from: number;
  limit: number;
}

/** An event with the action it refers to, if it is an outcome. */
export interface HistoryRow extends Omit<OutcomeRow, 'id' | 'type'> {
  /** Which of the ranges, from 1. */
  n: number;
  event_id: string;
  offset: number;
  event_type: string;
  subject: string;
  created_at: string;
  /** JSON text; null for an outcome, which refers to its action. */
  data: string | null;
  id: string | null;
  type: string | null;
}

const READ = `
select r.n::integer as n, e.id as event_id, e."offset", e.type as event_type, e.subject, e.created_at, e.data::text as data,
  a.id, a.type, a.status, a.attempts, a.resource_id, a.submitted_at, a.finished_at, a.response::text as response,
  a.error::text as error, a.traceparent
from unnest($1::text[], $2::bigint[], $3::integer[]) with ordinality as r (channel, start, size, n)
cross join lateral (
  select * from events e where e.channel = r.channel and e."offset" >= r.start order by e."offset" limit r.size
) e
left join actions a on e.data is null and a.id = e.action_id
order by r.n, e."offset"`;

/** Reads ranges of many channels in one query, the oldest events first. */
export function readHistoryStatement(sql: Sql, ranges: readonly HistoryRange[]): Promise<HistoryRow[]> {
  return sql.query<HistoryRow>(READ, [
    ranges.map(({ channel }) => channel),
    ranges.map(({ from }) => from),
    ranges.map(({ limit }) => limit),
  ]);
}
