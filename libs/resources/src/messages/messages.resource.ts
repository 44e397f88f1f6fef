import { Injectable } from '@nestjs/common';
import type { Migrations, Sql } from '#database';
import { decodePageCursor, encodePageCursor } from '../page-cursor.ts';
import {
  reject,
  Resource,
  type ActionToApply,
  type Applied,
  type Page,
  type PageRequest,
  type Verb,
} from '../resource.ts';
import { CreateMessage, EditMessage, Message } from './message.dto.ts';
import { messagesMigration } from './messages.migration.ts';

interface MessageRow {
  id: string;
  text: string;
  version: number;
  created_at: Date;
  updated_at: Date;
}

const COLUMNS = 'm.id, m.text, m.version, m.created_at, m.updated_at';

const CREATE = `
insert into messages as m (id, author, text)
select * from unnest($1::uuid[], $2::text[], $3::text[])
on conflict (id) do nothing
returning ${COLUMNS}`;

const EDIT = `
update messages m
set text = i.text, version = m.version + 1, updated_at = date_trunc('milliseconds', statement_timestamp())
from unnest($1::uuid[], $2::text[], $3::integer[], $4::text[]) as i (id, author, if_match, text)
where m.id = i.id and m.author = i.author and (i.if_match is null or i.if_match = m.version)
returning ${COLUMNS}`;

const DELETE = `
delete from messages m
using unnest($1::uuid[], $2::text[], $3::integer[]) as i (id, author, if_match)
where m.id = i.id and m.author = i.author and (i.if_match is null or i.if_match = m.version)
returning ${COLUMNS}`;

const OWNED = `
select ${COLUMNS} from messages m
join unnest($1::uuid[], $2::text[]) as i (id, author) on m.id = i.id and m.author = i.author`;

const LIST = `
select ${COLUMNS} from messages m
where m.author = $1 and ($2::timestamptz is null or (m.created_at, m.id) < ($2::timestamptz, $3::uuid))
order by m.created_at desc, m.id desc
limit $4`;

/** Short texts; each belongs to its author, who alone reads, edits and deletes it. */
@Injectable()
export class MessagesResource extends Resource<Message> {
  readonly type = 'messages';
  readonly view = Message;
  readonly migrations: Migrations = { '2026-11-23-messages': messagesMigration };

  readonly create: Verb<CreateMessage> = {
    payload: CreateMessage,
    apply: async (sql, actions) => {
      const rows = await sql.query<MessageRow>(CREATE, [
        actions.map(({ resourceId }) => resourceId),
        actions.map(({ owner }) => owner),
        actions.map(({ payload }) => payload.text),
      ]);
      const created = byId(rows);
      return actions.map(({ resourceId }) => {
        const row = created.get(resourceId);
        return row ? { response: toView(row) } : reject('ALREADY_EXISTS');
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
      return answer(sql, actions, rows, toView);
    },
  };

  override readonly delete: Verb = {
    apply: async (sql, actions) => {
      const rows = await sql.query<MessageRow>(DELETE, conditionsOf(actions));
      return answer(sql, actions, rows, () => null);
    },
  };

  async list(sql: Sql, reader: string, { after, limit }: PageRequest): Promise<Page<Message>> {
    const cursor = after === undefined ? undefined : decodePageCursor(after);
    const rows = await sql.query<MessageRow>(LIST, [reader, cursor?.createdAt ?? null, cursor?.id ?? null, limit + 1]);
    const data = rows.slice(0, limit).map(toView);
    return { data, next: rows.length > limit ? encodePageCursor(data.at(-1)!) : null };
  }

  async get(sql: Sql, reader: string, id: string): Promise<Message | undefined> {
    const [row] = await sql.query<MessageRow>(OWNED, [[id], [reader]]);
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
  view: (row: MessageRow) => Message | null,
): Promise<Applied[]> {
  const changed = byId(rows);
  const others = actions.filter(({ resourceId, ifMatch }) => !changed.has(resourceId) && ifMatch !== null);
  const [ids, authors] = conditionsOf(others);
  const stale = others.length === 0 ? new Map() : byId(await sql.query<MessageRow>(OWNED, [ids, authors]));
  return actions.map(({ resourceId }) => {
    const row = changed.get(resourceId);
    if (row) return { response: view(row) };
    const current = stale.get(resourceId) as MessageRow | undefined;
    return current ? reject('PRECONDITION_FAILED', { current: toView(current) }) : reject('NOT_FOUND');
  });
}

function byId(rows: MessageRow[]): Map<string, MessageRow> {
  return new Map(rows.map((row) => [row.id, row]));
}

function toView(row: MessageRow): Message {
  return {
    id: row.id,
    text: row.text,
    version: row.version,
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
  };
}
