import { Injectable } from '@nestjs/common';
import type { ChannelEvent } from '#contracts';
import type { Migrations, Sql } from '#database';
import { decodePageCursor, toPage } from '../page-cursor.ts';
import { reject, Resource, type ActionToApply, type Page, type PageRequest, type Verb } from '../resource.ts';
import { Announcement, AnnouncementMade, CreateAnnouncement } from './announcement.dto.ts';
import { announcementsMigration } from './announcements.migration.ts';
import { channelOf, parseAudience } from './audience.ts';
import { existingRooms } from './existing-rooms.ts';

interface AnnouncementRow {
  id: string;
  audience: string;
  title: string;
  body: string;
  created_at: string;
}

const COLUMNS = 'a.id, a.audience, a.title, a.body, a.created_at';

const CREATE = `
insert into announcements as a (id, author, audience, title, body)
select * from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[])
on conflict (id) do nothing
returning ${COLUMNS}`;

const LIST = `
select ${COLUMNS} from announcements a
where a.author = $1 and ($2::timestamptz is null or (a.created_at, a.id) < ($2::timestamptz, $3::uuid))
order by a.created_at desc, a.id desc
limit $4`;

const GET = `select ${COLUMNS} from announcements a where a.author = $1 and a.id = $2`;

/** What is said to many at once; a durable event, so that who is away hears it later. It cannot be taken back. */
@Injectable()
export class AnnouncementsResource extends Resource<Announcement> {
  readonly type = 'announcements';
  readonly view = Announcement;
  readonly migrations: Migrations = { '2026-11-24-announcements': announcementsMigration };

  readonly create: Verb<CreateAnnouncement> = {
    payload: CreateAnnouncement,
    scope: 'announce',
    parentOf: roomOf,
    apply: async (sql, actions) => {
      const rooms = await existingRooms(
        sql,
        actions.map(({ payload }) => roomOf(payload)).filter((id) => id !== undefined),
      );
      const addressed = actions.filter((action) => isAddressable(action, rooms));
      const rows = await sql.query<AnnouncementRow>(CREATE, [
        addressed.map(({ resourceId }) => resourceId),
        addressed.map(({ owner }) => owner),
        addressed.map(({ payload }) => payload.audience),
        addressed.map(({ payload }) => payload.title),
        addressed.map(({ payload }) => payload.body),
      ]);
      const created = new Map(rows.map((row) => [row.id, row]));
      return actions.map((action) => {
        if (!isAddressable(action, rooms)) return reject('NOT_FOUND', { detail: 'There is no such room' });
        const row = created.get(action.resourceId);
        return row ? { response: toView(row), events: [announcementEvent(row)] } : reject('ALREADY_EXISTS');
      });
    },
  };

  override readonly events = { announcement: AnnouncementMade };

  override async erase(sql: Sql, user: string): Promise<void> {
    await sql.query('delete from announcements where author = $1', [user]);
  }

  async list(sql: Sql, reader: string, { after, limit }: PageRequest): Promise<Page<Announcement>> {
    const cursor = after === undefined ? undefined : decodePageCursor(after);
    const values = [reader, cursor?.createdAt ?? null, cursor?.id ?? null, limit + 1];
    const rows = await sql.query<AnnouncementRow>(LIST, values);
    return toPage(rows.map(toView), limit);
  }

  async get(sql: Sql, reader: string, id: string): Promise<Announcement | undefined> {
    const [row] = await sql.query<AnnouncementRow>(GET, [reader, id]);
    return row && toView(row);
  }
}

function roomOf({ audience: text }: CreateAnnouncement): string | undefined {
  const audience = parseAudience(text);
  return audience?.kind === 'room' ? audience.id : undefined;
}

function isAddressable({ payload }: ActionToApply<CreateAnnouncement>, rooms: ReadonlySet<string>): boolean {
  const room = roomOf(payload);
  return room === undefined || rooms.has(room);
}

function announcementEvent(row: AnnouncementRow): ChannelEvent {
  const { version: _, ...data } = toView(row);
  return {
    channel: channelOf(parseAudience(row.audience)!),
    type: 'announcement',
    subject: `announcements/${row.id}`,
    data,
  };
}

function toView({ id, audience, title, body, created_at }: AnnouncementRow): Announcement {
  return { id, audience, title, body, version: 1, createdAt: created_at };
}
