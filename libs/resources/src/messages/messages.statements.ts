/** A message as its table keeps it. */
export interface MessageRow {
  id: string;
  author: string;
  room_id: string | null;
  text: string;
  version: number;
  created_at: string;
  updated_at: string;
}

const COLUMNS = 'm.id, m.author, m.room_id, m.text, m.version, m.created_at, m.updated_at';

/**
 * Whether the actor wrote the message, and is still in its room, if it has one. A removal that
 * is under way is waited for, and waits: nobody changes anything after the event of theirs.
 */
const OWN = `m.id = i.id and m.author = i.author and (m.room_id is null or exists (
  select from room_members r where r.room_id = m.room_id and r.user_id = i.author for share
))`;

const OF_VERSION = '(i.if_match is null or i.if_match = m.version)';

/*
 * The arrays of the changes stand in subqueries, so that the plan that is prepared is taken:
 * making one for each call takes longer than to run it (docs/adr/0007).
 */

/** In a room for its members. */
export const CREATE = `
insert into messages as m (id, author, room_id, text)
select i.id, i.author, i.room_id, i.text
from unnest((select $1::uuid[]), (select $2::text[]), (select $3::uuid[]), (select $4::text[])) as i (id, author, room_id, text)
where i.room_id is null or exists (
  select from room_members r where r.room_id = i.room_id and r.user_id = i.author
)
on conflict (id) do nothing
returning ${COLUMNS}`;

export const EDIT = `
update messages m
set text = i.text, version = m.version + 1, updated_at = date_trunc('milliseconds', statement_timestamp())
from unnest((select $1::uuid[]), (select $2::text[]), (select $3::integer[]), (select $4::text[])) as i (id, author, if_match, text)
where ${OWN} and ${OF_VERSION}
returning ${COLUMNS}`;

export const DELETE = `
delete from messages m
using unnest((select $1::uuid[]), (select $2::text[]), (select $3::integer[])) as i (id, author, if_match)
where ${OWN} and ${OF_VERSION}
returning ${COLUMNS}`;

export const OWNED = `
select ${COLUMNS} from messages m
join unnest($1::uuid[], $2::text[]) as i (id, author) on ${OWN}`;

/** The own ones, and those in rooms of the reader. */
export const READABLE = `
select ${COLUMNS} from messages m
where m.id = $1 and case when m.room_id is null then m.author = $2 else exists (
  select from room_members r where r.room_id = m.room_id and r.user_id = $2
) end`;

/** Which of the rooms the user is in. */
export const ROOMS_OF = `
select i.n::integer as n from unnest($1::uuid[], $2::text[]) with ordinality as i (room_id, user_id, n)
join room_members r on r.room_id = i.room_id and r.user_id = i.user_id`;

export const LIST_OWN = `
select ${COLUMNS} from messages m
where m.author = $1 and m.room_id is null
  and ($2::timestamptz is null or (m.created_at, m.id) < ($2::timestamptz, $3::uuid))
order by m.created_at desc, m.id desc
limit $4`;

export const LIST_OF_ROOM = `
select ${COLUMNS} from messages m
where m.room_id = $1 and ($2::timestamptz is null or (m.created_at, m.id) < ($2::timestamptz, $3::uuid))
order by m.created_at desc, m.id desc
limit $4`;
