import { Injectable } from '@nestjs/common';
import {
  roomChannel,
  ROOM_DELETED,
  ROOM_MEMBER_ADDED,
  ROOM_MEMBER_REMOVED,
  userChannel,
  type ChannelEvent,
  type RoomMembership,
} from '#contracts';
import type { Migrations, Sql } from '#database';
import { decodePageCursor, toPage } from '../page-cursor.ts';
import {
  reject,
  Resource,
  type ActionToApply,
  type Applied,
  type Page,
  type PageRequest,
  type RoutedVerb,
  type SubList,
  type Verb,
} from '../resource.ts';
import { CreateRoom, EditRoom, Room, RoomDeleted, RoomMember, RoomMemberChange, RoomMemberParams } from './room.dto.ts';
import { abandonedRoomsMigration } from './abandoned-rooms.migration.ts';
import { roomsMigration } from './rooms.migration.ts';
import {
  ADD_MEMBER,
  CREATE,
  DELETE,
  EDIT,
  ERASE,
  LIST,
  LIST_MEMBERS,
  READABLE,
  REMOVE_MEMBER,
  TIDY,
  WITHOUT_SORTING,
  type RoomMemberRow,
  type RoomRow,
} from './rooms.statements.ts';

/** Rooms: their creator names them and says who is in; members hear what happens there. */
@Injectable()
export class RoomsResource extends Resource<Room> {
  readonly type = 'rooms';
  readonly view = Room;
  readonly migrations: Migrations = {
    '2026-11-24-rooms': roomsMigration,
    '2026-11-28-rooms-abandoned': abandonedRoomsMigration,
  };

  readonly create: Verb<CreateRoom> = {
    payload: CreateRoom,
    apply: async (sql, actions) => {
      const rows = await sql.query<RoomRow>(CREATE, [
        ...idsAndOwnersOf(actions),
        actions.map(({ payload }) => payload.name),
      ]);
      const created = byId(rows);
      return actions.map(({ resourceId, owner }) => {
        const row = created.get(resourceId);
        if (!row) return reject('ALREADY_EXISTS');
        const room = toView(row);
        return { response: room, events: [{ ...roomEvent(resourceId, 'room.created', room), admits: owner }] };
      });
    },
  };

  override readonly edit: Verb<EditRoom> = {
    payload: EditRoom,
    apply: async (sql, actions) => {
      const rows = await sql.query<RoomRow>(EDIT, [
        ...idsAndOwnersOf(actions),
        actions.map(({ ifMatch }) => ifMatch),
        actions.map(({ payload }) => payload.name),
      ]);
      return answer(sql, actions, rows, (row) => {
        const room = toView(row);
        return { response: room, events: [roomEvent(row.id, 'room.edited', room)] };
      });
    },
  };

  override readonly delete: Verb = {
    apply: async (sql, actions) => {
      const rows = await sql.query<RoomRow>(DELETE, [
        ...idsAndOwnersOf(actions),
        actions.map(({ ifMatch }) => ifMatch),
      ]);
      return answer(sql, actions, rows, ({ id }) => ({
        response: null,
        events: [{ ...roomEvent(id, ROOM_DELETED, { id }), evicts: 'all' }],
      }));
    },
  };

  /** By the creator. Adding a member again changes nothing, and succeeds. */
  readonly addMember: RoutedVerb<RoomMemberParams> = {
    method: 'PUT',
    path: 'members/:userId',
    payload: RoomMemberParams,
    apply: async (sql, actions) => {
      const rows = await sql.query<RoomMemberRow>(ADD_MEMBER, [
        ...idsAndOwnersOf(actions),
        actions.map(({ ifMatch }) => ifMatch),
        actions.map(({ payload }) => payload.userId),
      ]);
      return answer(sql, actions, rows, (row, { userId }) => ({
        response: toView(row),
        events: row.changed ? membershipEvents(row.id, userId, ROOM_MEMBER_ADDED, { admits: userId }) : [],
      }));
    },
  };

  /** By the creator, or by the member; the creator stays. */
  readonly removeMember: RoutedVerb<RoomMemberParams> = {
    method: 'DELETE',
    path: 'members/:userId',
    payload: RoomMemberParams,
    apply: async (sql, actions) => {
      const rows = await sql.query<RoomMemberRow>(REMOVE_MEMBER, [
        ...idsAndOwnersOf(actions),
        actions.map(({ ifMatch }) => ifMatch),
        actions.map(({ payload }) => payload.userId),
      ]);
      const apply = (row: RoomMemberRow, { userId }: RoomMemberParams): Applied => {
        if (row.creator === userId)
          return reject('FORBIDDEN', { detail: 'The creator stays; delete the room instead' });
        if (!row.changed) return reject('NOT_FOUND', { detail: 'The room has no such member' });
        const evicts = { userId };
        return { response: toView(row), events: membershipEvents(row.id, userId, ROOM_MEMBER_REMOVED, { evicts }) };
      };
      return answer(sql, actions, rows, apply, (room, owner, { userId }) => room.creator === owner || userId === owner);
    },
  };

  override readonly verbs: Readonly<Record<string, RoutedVerb>> = {
    addMember: this.addMember,
    removeMember: this.removeMember,
  };

  override readonly events = {
    'room.created': Room,
    'room.edited': Room,
    [ROOM_DELETED]: RoomDeleted,
    [ROOM_MEMBER_ADDED]: RoomMemberChange,
    [ROOM_MEMBER_REMOVED]: RoomMemberChange,
  };

  readonly members: SubList<RoomMember> = {
    path: 'members',
    view: RoomMember,
    list: async (sql, reader, id, { after, limit }) => {
      if (!(await this.get(sql, reader, id))) return undefined;
      const rows = await sql.query<{ user_id: string; joined_at: string }>(LIST_MEMBERS, [
        id,
        after ?? null,
        limit + 1,
      ]);
      const data = rows.slice(0, limit).map((row) => ({ userId: row.user_id, joinedAt: row.joined_at }));
      return { data, next: rows.length > limit ? data.at(-1)!.userId : null };
    },
  };

  override readonly lists: readonly SubList[] = [this.members];

  /** Rooms that others are in stay, without anyone who manages them. */
  override async erase(sql: Sql, user: string): Promise<void> {
    await sql.query('delete from room_members where user_id = $1', [user]);
    await sql.query(ERASE, [user]);
  }

  override async tidy(sql: Sql): Promise<boolean> {
    const [, deleted] = await Promise.all([sql.query(WITHOUT_SORTING), sql.query(TIDY)]);
    return deleted.length > 0;
  }

  async list(sql: Sql, reader: string, { after, limit }: PageRequest): Promise<Page<Room>> {
    const cursor = after === undefined ? undefined : decodePageCursor(after);
    const rows = await sql.query<RoomRow>(LIST, [reader, cursor?.createdAt ?? null, cursor?.id ?? null, limit + 1]);
    return toPage(rows.map(toView), limit);
  }

  async get(sql: Sql, reader: string, id: string): Promise<Room | undefined> {
    const [row] = await sql.query<RoomRow>(READABLE, [[id], [reader]]);
    return row && toView(row);
  }
}

function idsAndOwnersOf(actions: readonly ActionToApply[]): [string[], string[]] {
  return [actions.map(({ resourceId }) => resourceId), actions.map(({ owner }) => owner)];
}

/**
 * Tells a room of another version from one that is missing or foreign.
 *
 * @param mayChange whether the owner of the action, who is in the room, could do it to the present version
 */
async function answer<Payload extends object, Row extends RoomRow>(
  sql: Sql,
  actions: readonly ActionToApply<Payload>[],
  rows: readonly Row[],
  apply: (row: Row, payload: Payload) => Applied,
  mayChange: (room: RoomRow, owner: string, payload: Payload) => boolean = ({ creator }, owner) => creator === owner,
): Promise<Applied[]> {
  const changed = byId(rows);
  const others = actions.filter(({ resourceId, ifMatch }) => !changed.has(resourceId) && ifMatch !== null);
  const stale = others.length === 0 ? undefined : byId(await sql.query<RoomRow>(READABLE, idsAndOwnersOf(others)));
  return actions.map(({ resourceId, owner, payload }) => {
    const row = changed.get(resourceId);
    if (row) return apply(row, payload);
    const current = stale?.get(resourceId);
    return current && mayChange(current, owner, payload)
      ? reject('PRECONDITION_FAILED', { current: toView(current) })
      : reject('NOT_FOUND');
  });
}

function roomEvent(id: string, type: string, data: object): ChannelEvent {
  return { channel: roomChannel(id), type, subject: `rooms/${id}`, data };
}

/** For the room, and for the user, who may not hear the room. */
function membershipEvents(
  roomId: string,
  userId: string,
  type: string,
  change: Pick<ChannelEvent, 'admits' | 'evicts'>,
): ChannelEvent[] {
  const data: RoomMembership = { roomId, userId };
  const event = roomEvent(roomId, type, data);
  return [
    { ...event, ...change },
    { ...event, channel: userChannel(userId) },
  ];
}

function byId<Row extends { id: string }>(rows: readonly Row[]): Map<string, Row> {
  return new Map(rows.map((row) => [row.id, row]));
}

function toView(row: RoomRow): Room {
  return {
    id: row.id,
    name: row.name,
    creator: row.creator,
    version: row.version,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
