import type { Database } from '#database';
import type { AcceptedRow } from './accept.ts';

/*
 * The position must lie before the outcome, which may exist by now, and before whatever else the
 * action has told its owner: then it is the one just before them.
 */
const REREAD = `
select a.id, a.submitted_at, coalesce(o."offset" - 1, c.head, 0) as head,
  case
    when o."offset" is null then coalesce(c.head_check, l.epoch)
    when o."offset" = 1 then l.epoch
    else (select right(e.id::text, 12) from events e where e.channel = i.channel and e."offset" = o."offset" - 1)
  end as "check", pg_backend_pid() as backend
from unnest($1::uuid[], $2::text[]) as i (id, channel)
join actions a on a.id = i.id
cross join ledger l
left join channels c on c.channel = i.channel
left join lateral (
  select e."offset" from events e
  where e.channel = i.channel and e.action_id = a.id and e.id >= uuidv7_at(a.submitted_at - interval '1 day')
  order by e."offset" limit 1
) o on true`;

/** Reads which of the actions were committed, when the answer to their INSERT was lost; what it returns is durable. */
export function rereadStatement(
  database: Pick<Database, 'queryThenFlush'>,
  actions: readonly { id: string; channel: string }[],
): Promise<AcceptedRow[]> {
  const values = [actions.map(({ id }) => id), actions.map(({ channel }) => channel)];
  return database.queryThenFlush<AcceptedRow>(REREAD, values);
}
