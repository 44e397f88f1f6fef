import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Database, migrate } from '#database';
import { testDatabase } from '#testing';
import { existingRooms } from '../announcements/existing-rooms.ts';
import { MessagesResource } from '../messages/messages.resource.ts';
import type { ActionToApply, Applied, Verb } from '../resource.ts';
import { RoomsResource } from './rooms.resource.ts';

const [rooms, messages] = [new RoomsResource(), new MessagesResource()];

let database: Database;

beforeAll(async () => {
  const { url } = await testDatabase();
  database = new Database({ url, poolSize: 3, applicationName: 'in-rooms.spec' });
  await migrate(database, { ...rooms.migrations, ...messages.migrations });
});

afterAll(() => database.onApplicationShutdown());

beforeEach(() => database.query('delete from messages'));
beforeEach(() => database.query('delete from rooms'));

type Asked = Pick<ActionToApply, 'owner' | 'resourceId'> & Partial<ActionToApply>;

/** Applies actions together, as a worker does. */
function apply(verb: Pick<Verb<never>, 'apply'>, ...asked: Asked[]): Promise<Applied[]> {
  const actions = asked.map((each) => Object.assign({ id: randomUUID(), payload: {}, ifMatch: null }, each));
  return database.transaction((sql) => verb.apply(sql, actions as ActionToApply<never>[]));
}

/** What became of each: the types of its events, or why not. */
function told(applied: Applied[]): (string[] | string)[] {
  return applied.map((each) => ('error' in each ? each.error.code : (each.events ?? []).map(({ type }) => type)));
}

async function newRoom(creator: string, ...members: string[]): Promise<string> {
  const resourceId = randomUUID();
  await apply(rooms.create, { owner: creator, resourceId, payload: { name: 'kitchen' } });
  for (const userId of members) await apply(rooms.addMember, { owner: creator, resourceId, payload: { userId } });
  return resourceId;
}

async function newMessage(owner: string, roomId?: string): Promise<string> {
  const resourceId = randomUUID();
  await apply(messages.create, { owner, resourceId, payload: { text: 'hello', roomId } });
  return resourceId;
}

describe('a message', () => {
  it('is written in a room by its members only, to whom alone it tells that its id is taken', async () => {
    const roomId = await newRoom('alice', 'bob');
    const taken = await newMessage('alice', roomId);
    const write = (owner: string, resourceId: string, room?: string): Asked => {
      return { owner, resourceId, payload: { text: 'hello', roomId: room } };
    };
    const applied = await apply(
      messages.create,
      write('bob', randomUUID(), roomId),
      write('carol', randomUUID(), roomId),
      write('carol', randomUUID()),
      write('bob', taken, roomId),
    );
    expect(told(applied)).toEqual([['message.created'], 'NOT_FOUND', [], 'ALREADY_EXISTS']);
    expect(told(await apply(messages.create, write('carol', taken, roomId)))).toEqual(['NOT_FOUND']);
    expect(told(await apply(messages.create, write('carol', taken)))).toEqual(['ALREADY_EXISTS']);
  });

  it('is changed by its author only, and that no more once they are not in its room', async () => {
    const roomId = await newRoom('alice', 'bob');
    const id = await newMessage('bob', roomId);
    const edit = (owner: string, ifMatch: number | null = null) =>
      apply(messages.edit, { owner, resourceId: id, ifMatch, payload: { text: 'else' } });
    expect(told([...(await edit('alice')), ...(await edit('alice', 9))])).toEqual(['NOT_FOUND', 'NOT_FOUND']);
    expect(told([...(await edit('bob')), ...(await edit('bob', 2))])).toEqual([['message.edited'], ['message.edited']]);
    expect(await edit('bob', 2)).toMatchObject([{ error: { code: 'PRECONDITION_FAILED', current: { version: 3 } } }]);
    await apply(rooms.removeMember, { owner: 'bob', resourceId: roomId, payload: { userId: 'bob' } });
    expect(told([...(await edit('bob')), ...(await edit('bob', 9))])).toEqual(['NOT_FOUND', 'NOT_FOUND']);
    expect(told(await apply(messages.delete, { owner: 'bob', resourceId: id }))).toEqual(['NOT_FOUND']);
  });

  it('is listed with the own ones, or in its room, by pages that lose nothing of one moment', async () => {
    const roomId = await newRoom('alice', 'bob');
    const own = await newMessage('alice');
    const inRoom = [
      await newMessage('alice', roomId),
      await newMessage('bob', roomId),
      await newMessage('bob', roomId),
    ];
    await database.query(`update messages set created_at = '2026-01-01T00:00:00Z'`);
    const page = (reader: string, filter: { roomId?: string }, after?: string, limit = 2) =>
      messages.list(database, reader, { after, limit, filter });
    expect((await page('alice', {})).data.map(({ id }) => id)).toEqual([own]);
    const first = await page('alice', { roomId });
    const second = await page('alice', { roomId }, first.next!);
    expect([...first.data, ...second.data].map(({ id }) => id)).toEqual(inRoom.toSorted().toReversed());
    expect(second.next).toBeNull();
    await expect(page('carol', { roomId })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    const read = async (reader: string, id: string) => (await messages.get(database, reader, id))?.id;
    expect([await read('bob', inRoom[0]!), await read('carol', inRoom[0]!)]).toEqual([inRoom[0], undefined]);
    expect([await read('alice', own), await read('bob', own)]).toEqual([own, undefined]);
  });
});

describe('a room', () => {
  it('is changed by its creator only; another version is told to nobody else', async () => {
    const roomId = await newRoom('alice', 'bob');
    for (const verb of [rooms.edit, rooms.delete, rooms.addMember]) {
      for (const owner of ['bob', 'carol']) {
        for (const ifMatch of [null, 9]) {
          const payload = { name: 'mine', userId: 'dave' };
          expect(told(await apply(verb, { owner, resourceId: roomId, ifMatch, payload }))).toEqual(['NOT_FOUND']);
        }
      }
    }
    const stale = await apply(rooms.delete, { owner: 'alice', resourceId: roomId, ifMatch: 9 });
    expect(stale).toMatchObject([{ error: { code: 'PRECONDITION_FAILED', current: { id: roomId } } }]);
    expect(await rooms.get(database, 'bob', roomId)).toMatchObject({ name: 'kitchen', version: 1 });
    expect(await rooms.get(database, 'carol', roomId)).toBeUndefined();
  });

  it('tells of members who come and go, and not of those who are there already', async () => {
    const roomId = await newRoom('alice');
    const change = async (
      verb: Pick<Verb<never>, 'apply'>,
      owner: string,
      userId: string,
      ifMatch: number | null = null,
    ) => told(await apply(verb, { owner, resourceId: roomId, payload: { userId }, ifMatch }))[0];
    const added = ['room.memberAdded', 'room.memberAdded'];
    const removed = ['room.memberRemoved', 'room.memberRemoved'];
    expect(await change(rooms.addMember, 'alice', 'bob')).toEqual(added);
    expect(await change(rooms.addMember, 'alice', 'bob')).toEqual([]);
    expect(await change(rooms.removeMember, 'carol', 'bob')).toBe('NOT_FOUND');
    const asked = { owner: 'carol', payload: { userId: 'carol' } };
    const [left] = await apply(rooms.removeMember, { ...asked, resourceId: roomId });
    // No word more than of a room that is not there.
    expect([left]).toEqual(await apply(rooms.removeMember, { ...asked, resourceId: randomUUID() }));
    expect(await change(rooms.removeMember, 'alice', 'alice')).toBe('FORBIDDEN');
    expect(await rooms.get(database, 'alice', roomId)).toMatchObject({ id: roomId });
    expect(await change(rooms.removeMember, 'alice', 'carol')).toBe('NOT_FOUND');
    await change(rooms.addMember, 'alice', 'carol');
    expect(await change(rooms.removeMember, 'carol', 'bob', 9)).toBe('NOT_FOUND');
    expect(await change(rooms.removeMember, 'bob', 'bob', 9)).toBe('PRECONDITION_FAILED');
    expect(await change(rooms.removeMember, 'bob', 'bob')).toEqual(removed);
    expect(await change(rooms.addMember, 'alice', 'bob')).toEqual(added);
    expect(await change(rooms.removeMember, 'alice', 'bob')).toEqual(removed);
  });

  it('says with its events who hears it from then on, and who no more', async () => {
    const [resourceId, message] = [randomUUID(), randomUUID()];
    const asked = { owner: 'alice', resourceId, payload: { name: 'kitchen', userId: 'bob' } };
    const channel = `room:${resourceId}`;
    const data = { roomId: resourceId, userId: 'bob' };
    expect(await apply(rooms.create, asked)).toMatchObject([{ events: [{ channel, admits: 'alice' }] }]);
    const events = async (verb: Pick<Verb<never>, 'apply'>): Promise<unknown> => {
      const [applied] = await apply(verb, asked);
      return (applied as { events: unknown }).events;
    };
    const subject = `rooms/${resourceId}`;
    const [added, removed] = ['room.memberAdded', 'room.memberRemoved'].map((type) => ({ type, subject, data }));
    const own = 'user:bob';
    expect(await events(rooms.addMember)).toEqual([
      { ...added, channel, admits: 'bob' },
      { ...added, channel: own },
    ]);
    await apply(messages.create, { owner: 'bob', resourceId: message, payload: { text: 'hello', roomId: resourceId } });
    expect(await apply(messages.delete, { owner: 'bob', resourceId: message })).toMatchObject([
      { response: null, events: [{ channel, type: 'message.deleted', data: { id: message, roomId: resourceId } }] },
    ]);
    expect(await events(rooms.removeMember)).toEqual([
      { ...removed, channel, evicts: { userId: 'bob' } },
      { ...removed, channel: own },
    ]);
    expect(await events(rooms.delete)).toMatchObject([{ channel, type: 'room.deleted', evicts: 'all' }]);
  });

  it('shows its members to members, by pages', async () => {
    const roomId = await newRoom('alice', 'carol', 'bob');
    const list = (reader: string, after?: string) =>
      rooms.members.list(database, reader, roomId, { after, limit: 2, filter: {} });
    const first = await list('bob');
    expect([first?.data.map(({ userId }) => userId), first?.next]).toEqual([['alice', 'bob'], 'bob']);
    const second = await list('bob', 'bob');
    expect([second?.data.map(({ userId }) => userId), second?.next]).toEqual([['carol'], null]);
    expect(await list('dave')).toBeUndefined();
  });
});

describe('whoever is erased', () => {
  const erase = (user: string): Promise<void> =>
    database.transaction(async (sql) => {
      await messages.erase(sql, user);
      await rooms.erase(sql, user);
    });

  it('leaves the rooms that others are in, which nobody manages, and takes the others along', async () => {
    const [shared, alone, foreign] = [
      await newRoom('alice', 'bob'),
      await newRoom('alice'),
      await newRoom('bob', 'alice'),
    ];
    for (const room of [shared, alone, foreign]) await newMessage('alice', room);
    const kept = await newMessage('bob', shared);
    await erase('alice');
    const rows = await database.query('select id, name, creator from rooms');
    expect(rows).toHaveLength(3);
    expect(rows).toEqual(
      expect.arrayContaining([
        { id: shared, name: 'kitchen', creator: '' },
        { id: alone, name: '', creator: '' },
        { id: foreign, name: 'kitchen', creator: 'bob' },
      ]),
    );
    expect(await database.query('select id from messages')).toEqual([{ id: kept }]);
    expect(await existingRooms(database, [shared, alone, foreign, randomUUID()])).toEqual(new Set([shared, foreign]));
    const tidy = (): Promise<boolean> => database.transaction((sql) => rooms.tidy(sql));
    expect([await tidy(), await tidy()]).toEqual([true, false]);
    expect(await rooms.get(database, 'bob', shared)).toMatchObject({ id: shared });
    expect(await rooms.get(database, 'alice', foreign)).toBeUndefined();
  });

  it('is not waited for by who deletes what is abandoned', async () => {
    const alone = await newRoom('alice');
    await erase('alice');
    const tidy = (): Promise<boolean> => database.transaction((sql) => rooms.tidy(sql));
    await database.transaction(async (sql) => {
      await sql.query('select from rooms where id = $1 for update', [alone]);
      expect(await tidy()).toBe(false);
    });
    expect(await tidy()).toBe(true);
  });

  it('leaves no room behind that is emptied later', async () => {
    const shared = await newRoom('alice', 'bob');
    await newMessage('bob', shared);
    await erase('alice');
    await apply(rooms.removeMember, { owner: 'bob', resourceId: shared, payload: { userId: 'bob' } });
    while (await database.transaction((sql) => rooms.tidy(sql)));
    expect(await database.query('select from rooms')).toEqual([]);
    expect(await database.query('select from messages')).toEqual([]);
  });
});
