import type { Sql } from '#database';

/** A membership as it is after a transaction. */
export interface MembershipChange {
  channel: string;
  /** Null: everybody's. */
  userId: string | null;
  /** The event with which it began; null when it ended. */
  since: { offset: number; check: string } | null;
}

const END = `
delete from channel_members m
using unnest($1::text[], $2::text[]) as i (channel, user_id)
where m.channel = i.channel and (i.user_id is null or m.user_id = i.user_id)`;

const BEGIN = `
insert into channel_members (channel, user_id, since, since_check)
select * from unnest($1::text[], $2::text[], $3::bigint[], $4::text[])
on conflict (channel, user_id) do update set since = excluded.since, since_check = excluded.since_check`;

/** Writes memberships that begin or end with events of this transaction, in the order of the events. */
export async function changeMembersStatement(sql: Sql, changes: readonly MembershipChange[]): Promise<void> {
  const begun = new Map<string, MembershipChange>();
  for (const change of changes) {
    if (change.userId !== null) begun.set(JSON.stringify([change.channel, change.userId]), change);
    else for (const [key, { channel }] of begun) if (channel === change.channel) begun.delete(key);
  }
  const ends = changes.filter(({ since }) => since === null);
  if (ends.length > 0) {
    await sql.query(END, [ends.map(({ channel }) => channel), ends.map(({ userId }) => userId)]);
  }
  const last = [...begun.values()].filter(({ since }) => since !== null);
  if (last.length === 0) return;
  await sql.query(BEGIN, [
    last.map(({ channel }) => channel),
    last.map(({ userId }) => userId),
    last.map(({ since }) => since!.offset),
    last.map(({ since }) => since!.check),
  ]);
}

export interface MembershipRow {
  /** Which of the asked, from 1. */
  n: number;
  head: number;
  check: string;
  since: number;
  since_check: string;
}

/* The position and the membership in one statement: what ends it later has a later offset. */
const READ = `
select i.n::integer as n, coalesce(c.head, 0) as head, coalesce(c.head_check, l.epoch) as "check", m.since, m.since_check
from unnest($1::text[], $2::text[]) with ordinality as i (channel, user_id, n)
cross join ledger l
join channel_members m on m.channel = i.channel and m.user_id = i.user_id
left join channels c on c.channel = i.channel`;

/** Reads memberships, with the newest position of their channels; no row where there is none. */
export function readMembersStatement(
  sql: Sql,
  asked: readonly { channel: string; userId: string }[],
): Promise<MembershipRow[]> {
  return sql.query<MembershipRow>(READ, [asked.map(({ channel }) => channel), asked.map(({ userId }) => userId)]);
}
