import { checkOf, type ActionError, type OutcomeStatus } from '#contracts';
import type { Transaction } from '#database';

/** How an action ended. */
export interface FinishedAction {
  id: string;
  status: OutcomeStatus;
  attempts: number;
  /** JSON text, or null. */
  response: string | null;
  error: ActionError | null;
}

/** An event to append to a channel. */
export interface NewEvent {
  /** UUID version 7. */
  id: string;
  channel: string;
  type: string;
  subject: string;
  actionId: string | null;
  /** JSON text; null for an outcome, which refers to its action. */
  data: string | null;
}

export interface AppendedEvents {
  /** Time of all these events, and of the ends of their actions. */
  at: string;
  /** Offset of each event, in the order given. */
  offsets: number[];
}

/** An action was finished by somebody else: the transaction is rolled back. */
export class FinishedElsewhereError extends Error {
  override readonly name = 'FinishedElsewhereError';
}

/*
 * The last statement before COMMIT. Lock order: the actions first (the heads ask for
 * their count), then the channels in sorted order. When one action is finished already,
 * the statement fails, and with it the transaction: it may be sent together with COMMIT.
 *
 * The arrays stand in subqueries so that the planner cannot count them: else a plan of its own
 * for each call looks cheaper than the prepared one, and making it costs 0.8 ms over all
 * partitions, several times what the statement itself takes.
 */
const FINISH = `
with finished as (
  update actions a
  set status = i.status::action_status, attempts = i.attempts, response = i.response::json, error = i.error::json,
    finished_at = date_trunc('milliseconds', statement_timestamp()), run_at = null
  from unnest((select $1::uuid[]), (select $2::text[]), (select $3::integer[]), (select $4::text[]), (select $5::text[])) as i (id, status, attempts, response, error)
  where a.id = i.id and a.status not in ('succeeded', 'failed', 'cancelled', 'expired')
  returning a.id
), heads as (
  insert into channels as c (channel, head, head_check)
  select i.channel, i.size, i."check" from unnest((select $6::text[]), (select $7::integer[]), (select $8::text[])) as i (channel, size, "check")
  where case when (select count(*) from finished) = cardinality($1::uuid[]) then true else finished_elsewhere() end
  order by i.channel
  on conflict (channel) do update set head = c.head + excluded.head, head_check = excluded.head_check
  returning channel, head
), appended as (
  insert into events (id, channel, "offset", type, subject, action_id, data, created_at)
  select i.id, i.channel, h.head - i.back, i.type, i.subject, i.action_id, i.data::json,
    date_trunc('milliseconds', statement_timestamp())
  from unnest((select $9::uuid[]), (select $10::text[]), (select $11::integer[]), (select $12::text[]), (select $13::text[]), (select $14::uuid[]), (select $15::text[]))
    as i (id, channel, back, type, subject, action_id, data)
  join heads h on h.channel = i.channel
)
select channel, head, date_trunc('milliseconds', statement_timestamp()) as at from heads`;

/** What the function `finished_elsewhere` raises. */
const FINISHED_ELSEWHERE = 'TD001';

/**
 * Finishes actions, allots offsets and appends events: in the transaction of the change itself.
 *
 * @param run runs the statement
 * @param events in the order they shall have in their channels; at least one
 * @throws {FinishedElsewhereError} when an action was finished before; nothing can be committed then
 */
export async function finishStatement(
  run: Transaction['commitWith'],
  actions: readonly FinishedAction[],
  events: readonly NewEvent[],
): Promise<AppendedEvents> {
  // One order for whoever ends several at once: a worker and the expiry, say.
  const sorted = actions.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const channels = new Map<string, { size: number; check: string }>();
  const ranks = events.map(({ id, channel }) => {
    const size = (channels.get(channel)?.size ?? 0) + 1;
    channels.set(channel, { size, check: checkOf(id) });
    return size;
  });
  const back = events.map(({ channel }, index) => channels.get(channel)!.size - ranks[index]!);
  const heads = await run<{ channel: string; head: number; at: string }>(FINISH, [
    sorted.map(({ id }) => id),
    sorted.map(({ status }) => status),
    sorted.map(({ attempts }) => attempts),
    sorted.map(({ response }) => response),
    sorted.map(({ error }) => (error ? JSON.stringify(error) : null)),
    [...channels.keys()],
    [...channels.values()].map(({ size }) => size),
    [...channels.values()].map(({ check }) => check),
    events.map(({ id }) => id),
    events.map(({ channel }) => channel),
    back,
    events.map(({ type }) => type),
    events.map(({ subject }) => subject),
    events.map(({ actionId }) => actionId),
    events.map(({ data }) => data),
  ]).catch((error: unknown) => {
    const isFinished = error instanceof Error && 'code' in error && error.code === FINISHED_ELSEWHERE;
    throw isFinished ? new FinishedElsewhereError('an action of this batch is finished already') : error;
  });
  const headOf = new Map(heads.map(({ channel, head }) => [channel, head]));
  return {
    at: heads[0]!.at,
    offsets: events.map(({ channel }, index) => headOf.get(channel)! - back[index]!),
  };
}
