/** A room as its table keeps it. */
export interface RoomRow {
  id: string;
  name: string;
  creator: string;
  version: number;
  created_at: string;
  updated_at: string;
}

/** A room whose members were to be changed, and whether they were. */
export interface RoomMemberRow extends RoomRow {
  changed: boolean;
}

const COLUMNS = 'r.id, r.name, r.creator, r.version, r.created_at, r.updated_at';

/** Whether the actor created the room, and it has the version asked for. */
const MANAGED = 'r.id = i.id and r.creator = i.actor and (i.if_match is null or i.if_match = r.version)';

/** The creator is its first member. */
export const CREATE = `
with created as (
  insert into rooms as r (id, creator, name)
  select * from unnest($1::uuid[], $2::text[], $3::text[])
  on conflict (id) do nothing
  returning ${COLUMNS}
), members as (
  insert into room_members (room_id, user_id) select id, creator from created
)
select * from created`;

/** Once the user is no member any more. Rooms that others are in stay; the rest is abandoned. */
export const ERASE = `
update rooms r set creator = '', name = case
  when exists (select from room_members m where m.room_id = r.id) then name else ''
end
where creator = $1`;

export const EDIT = `
update rooms r
set name = i.name, version = r.version + 1, updated_at = date_trunc('milliseconds', statement_timestamp())
from unnest($1::uuid[], $2::text[], $3::integer[], $4::text[]) as i (id, actor, if_match, name)
where ${MANAGED}
returning ${COLUMNS}`;

/** Most messages that go with their room in the transaction which deletes it: they take some 6 ms. */
const MOST_MESSAGES = 10_000;

/**
 * With its messages. Where these are too many for a transaction that others share, the room is
 * abandoned: nobody is in it or manages it any more, and it goes in pieces.
 */
export const DELETE = `
with doomed as (
  select r.id, room_has_more_messages(r.id, ${MOST_MESSAGES}) as is_large
  from rooms r join unnest($1::uuid[], $2::text[], $3::integer[]) as i (id, actor, if_match) on ${MANAGED}
  for update of r
), abandoned as (
  update rooms r set creator = '', name = '' from doomed d where r.id = d.id and d.is_large returning ${COLUMNS}
), left_by as (
  delete from room_members m using doomed d where m.room_id = d.id and d.is_large
), deleted as (
  delete from rooms r using doomed d where r.id = d.id and not d.is_large returning ${COLUMNS}
)
select * from abandoned union all select * from deleted`;

/** For the plan of {@link TIDY}: as in the function that tells large rooms. */
export const WITHOUT_SORTING = `select set_config('enable_sort', 'off', true), set_config('enable_bitmapscan', 'off', true)`;

/** Most messages of an abandoned room that are deleted at once. */
const PIECE = 5_000;

/**
 * Deletes a piece of a room that is abandoned, by its deletion or the erasure of its creator; the
 * room itself once there was none left. What an erasure deletes at the moment is passed over; a row
 * is answered when anything was deleted.
 */
export const TIDY = `
with room as (
  select r.id from rooms r
  where r.creator = '' and not exists (select from room_members m where m.room_id = r.id)
  limit 1 for update skip locked
), piece as (
  delete from messages where ctid = any (array(
    select m.ctid from messages m where m.room_id = (select id from room)
    order by m.created_at desc, m.id desc limit ${PIECE} for update skip locked
  ))
  returning 1
), deleted as (
  delete from rooms r using room d
  where r.id = d.id and not exists (select from messages m where m.room_id = d.id)
  returning 1
)
select where exists (select from piece) or exists (select from deleted)`;

export const ADD_MEMBER = `
with managed as (
  select ${COLUMNS}, i.user_id from rooms r
  join unnest($1::uuid[], $2::text[], $3::integer[], $4::text[]) as i (id, actor, if_match, user_id) on ${MANAGED}
), added as (
  insert into room_members (room_id, user_id) select id, user_id from managed
  on conflict (room_id, user_id) do nothing
  returning room_id, user_id
)
select m.*, exists (select from added a where a.room_id = m.id and a.user_id = m.user_id) as changed from managed m`;

/** By who manages the room, or by the member. */
export const REMOVE_MEMBER = `
with managed as (
  select ${COLUMNS}, i.user_id from rooms r
  join unnest($1::uuid[], $2::text[], $3::integer[], $4::text[]) as i (id, actor, if_match, user_id)
    on r.id = i.id and (i.if_match is null or i.if_match = r.version)
    and (r.creator = i.actor or (i.actor = i.user_id
      and exists (select from room_members m where m.room_id = r.id and m.user_id = i.actor)))
), removed as (
  delete from room_members m using managed g
  where m.room_id = g.id and m.user_id = g.user_id and g.user_id <> g.creator
  returning m.room_id, m.user_id
)
select g.*, exists (select from removed d where d.room_id = g.id and d.user_id = g.user_id) as changed from managed g`;

/** Rooms that a member may read. */
export const READABLE = `
select ${COLUMNS} from rooms r
join unnest($1::uuid[], $2::text[]) as i (id, reader) on r.id = i.id
where exists (select from room_members m where m.room_id = r.id and m.user_id = i.reader)`;

export const LIST = `
select ${COLUMNS} from room_members m join rooms r on r.id = m.room_id
where m.user_id = $1 and ($2::timestamptz is null or (r.created_at, r.id) < ($2::timestamptz, $3::uuid))
order by r.created_at desc, r.id desc
limit $4`;

export const LIST_MEMBERS = `
select user_id, joined_at from room_members
where room_id = $1 and ($2::text is null or user_id > $2)
order by user_id
limit $3`;
