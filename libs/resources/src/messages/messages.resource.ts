import { Injectable } from '@nestjs/common';
import { ProblemError, roomChannel, type ChannelEvent } from '#contracts';
import type { Migrations, Sql } from '#database';
import { decodePageCursor, toPage } from '../page-cursor.ts';
import {
  reject,
  Resource,
  type ActionToApply,
  type Applied,
  type Page,
  type PageRequest,
  type Verb,
} from '../resource.ts';
import { CreateMessage, EditMessage, Message, MessageDeleted, MessageFilter } from './message.dto.ts';
import { messagesInRoomsMigration } from './messages-in-rooms.migration.ts';
import { messagesMigration } from './messages.migration.ts';
import {
  CREATE,
  DELETE,
  EDIT,
  LIST_OF_ROOM,
  LIST_OWN,
  OWNED,
  READABLE,
  ROOMS_OF,
  type MessageRow,
} from './messages.statements.ts';

/** Short texts: in a room for its members, else for their author; only the author edits and deletes them. */
@Injectable()
export class MessagesResource extends Resource<Message> {
  readonly type = 'messages';
  readonly view = Message;
  readonly migrations: Migrations = {
    '2026-11-23-messages': messagesMigration,
    '2026-11-24-rooms-messages': messagesInRoomsMigration,
  };

  override readonly filter = MessageFilter;

  readonly create: Verb<CreateMessage> = {
    payload: CreateMessage,
    parentOf: ({ roomId }) => roomId,
    apply: async (sql, actions) => {
      const rows = await sql.query<MessageRow>(CREATE, [
        actions.map(({ resourceId }) => resourceId),
        actions.map(({ owner }) => owner),
        actions.map(({ payload }) => payload.roomId ?? null),
        actions.map(({ payload }) => payload.text),
      ]);
      const created = byId(rows);
      const isIn = rows.length === actions.length ? undefined : await membershipsOf(sql, actions);
      return actions.map((action) => {
        const row = created.get(action.resourceId);
        if (row) return { response: toView(row), events: eventsOf(row, 'message.created', toView(row)) };
        return isIn!.has(action)
          ? reject('ALREADY_EXISTS')
          : reject('NOT_FOUND', { detail: 'You are in no such room' });
      });
    },
  };

  override readonly edit: Verb<EditMessage> = {
    payload: EditMessage,
    apply: async (sql, actions) => {
      const rows = await sql.query<MessageRow>(EDIT, [
        ...conditionsOf(actions),
        actions.map(({ payload }) => payload.text),
      ]);
      return answer(sql, actions, rows, (row) => ({
        response: toView(row),
        events: eventsOf(row, 'message.edited', toView(row)),
      }));
    },
  };

  override readonly delete: Verb = {
    apply: async (sql, actions) => {
      const rows = await sql.query<MessageRow>(DELETE, conditionsOf(actions));
      return answer(sql, actions, rows, (row) => ({
        response: null,
        events: eventsOf(row, 'message.deleted', { id: row.id, roomId: row.room_id }),
      }));
    },
  };

  override readonly events = {
    'message.created': Message,
    'message.edited': Message,
    'message.deleted': MessageDeleted,
  };

  override async erase(sql: Sql, user: string): Promise<void> {
    await sql.query('delete from messages where author = $1', [user]);
  }

  /**
   * @throws {ProblemError} `NOT_FOUND` when the reader is in no such room
   */
  async list(sql: Sql, reader: string, { after, limit, filter }: PageRequest<MessageFilter>): Promise<Page<Message>> {
    const cursor = after === undefined ? undefined : decodePageCursor(after);
    const { roomId } = filter;
    if (roomId !== undefined && (await sql.query(ROOMS_OF, [[roomId], [reader]])).length === 0) {
      throw new ProblemError('NOT_FOUND', 'You are in no such room');
    }
    const [statement, whose] = roomId === undefined ? [LIST_OWN, reader] : [LIST_OF_ROOM, roomId];
    const rows = await sql.query<MessageRow>(statement, [
      whose,
      cursor?.createdAt ?? null,
      cursor?.id ?? null,
      limit + 1,
    ]);
    return toPage(rows.map(toView), limit);
  }

  async get(sql: Sql, reader: string, id: string): Promise<Message | undefined> {
    const [row] = await sql.query<MessageRow>(READABLE, [id, reader]);
    return row && toView(row);
  }
}

function conditionsOf(actions: ActionToApply[]): [string[], string[], (number | null)[]] {
  return [
    actions.map(({ resourceId }) => resourceId),
    actions.map(({ owner }) => owner),
    actions.map(({ ifMatch }) => ifMatch),
  ];
}

/** Tells a message of another version from one that is missing or foreign. */
async function answer(
  sql: Sql,
  actions: ActionToApply[],
  rows: MessageRow[],
  apply: (row: MessageRow) => Applied,
): Promise<Applied[]> {
  const changed = byId(rows);
  const others = actions.filter(({ resourceId, ifMatch }) => !changed.has(resourceId) && ifMatch !== null);
  const [ids, authors] = conditionsOf(others);
  const stale = others.length === 0 ? new Map() : byId(await sql.query<MessageRow>(OWNED, [ids, authors]));
  return actions.map(({ resourceId }) => {
    const row = changed.get(resourceId);
    if (row) return apply(row);
    const current = stale.get(resourceId) as MessageRow | undefined;
    return current ? reject('PRECONDITION_FAILED', { current: toView(current) }) : reject('NOT_FOUND');
  });
}

/** Which of the actions are outside of rooms, or in rooms of their owners. */
async function membershipsOf(
  sql: Sql,
  actions: readonly ActionToApply<CreateMessage>[],
): Promise<Set<ActionToApply<CreateMessage>>> {
  const inRooms = actions.filter(({ payload }) => payload.roomId !== undefined);
  const rows = await sql.query<{ n: number }>(ROOMS_OF, [
    inRooms.map(({ payload }) => payload.roomId!),
    inRooms.map(({ owner }) => owner),
  ]);
  const outside = actions.filter(({ payload }) => payload.roomId === undefined);
  return new Set([...outside, ...rows.map(({ n }) => inRooms[n - 1]!)]);
}

/** A change in a room is also an event there. */
function eventsOf({ id, room_id }: MessageRow, type: string, data: object): ChannelEvent[] {
  return room_id === null ? [] : [{ channel: roomChannel(room_id), type, subject: `messages/${id}`, data }];
}

function byId(rows: MessageRow[]): Map<string, MessageRow> {
  return new Map(rows.map((row) => [row.id, row]));
}

function toView(row: MessageRow): Message {
  return {
    id: row.id,
    author: row.author,
    roomId: row.room_id,
    text: row.text,
    version: row.version,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
