import type { LedgerCheck } from '#testing';

const APPEND = `
with made as (
  insert into events (id, channel, "offset", type, subject, data, created_at)
  select uuidv7(), c.name, n, 'announcement', 'announcements/' || n, json_build_object('title', 'number ' || n), now()
  from unnest($1::text[]) as c (name) cross join generate_series($2::bigint, $3::bigint) as n
  returning id, channel, "offset"
)
insert into channels (channel, head, head_check)
select channel, "offset", right(id::text, 12) from made where "offset" = $3
on conflict (channel) do update set head = excluded.head, head_check = excluded.head_check`;

/** Writes events from one offset to another straight into the ledger, as if they had happened while nobody listened. */
export async function makeUpEvents(
  ledger: LedgerCheck,
  channels: readonly string[],
  first: number,
  last: number,
): Promise<void> {
  await ledger.query(APPEND, [channels, first, last]);
}
