import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Action } from '#contracts';
import { Database } from '#database';
import { RoomsResource } from '#resources';
import { eventually, LedgerCheck, startSystem, type System, type TestUser } from '#testing';
import { done, newRoom } from './room.ts';

let system: System;
let alice: TestUser;
let bob: TestUser;
let carol: TestUser;

beforeAll(async () => {
  system = await startSystem({ sockets: 1 });
  alice = await system.user('alice');
  bob = await system.user('bob');
  carol = await system.user('carol');
});

const NOT_FOUND = { status: 'failed', error: { code: 'NOT_FOUND' } };

describe('a room', () => {
  it('is created, renamed, read by its members and deleted by its creator', async () => {
    const created = await done(alice, 'POST', '/v1/rooms', { name: 'kitchen' });
    expect(created).toMatchObject({
      type: 'rooms.create',
      status: 'succeeded',
      response: { name: 'kitchen', creator: 'alice', version: 1 },
    });
    const path = `/v1/rooms/${created.resource.id}`;
    expect(await done(alice, 'PATCH', path, { name: 'living room' })).toMatchObject({ response: { version: 2 } });
    const { status, body, headers } = await alice.call('GET', path);
    expect([status, body, headers.get('etag')]).toMatchObject([200, { name: 'living room' }, '"2"']);
    expect((await bob.call('GET', path)).status).toBe(404);
    expect(await done(bob, 'PATCH', path, { name: 'mine' })).toMatchObject(NOT_FOUND);
    expect(await done(bob, 'DELETE', path)).toMatchObject(NOT_FOUND);
    expect(await done(alice, 'DELETE', path)).toMatchObject({ status: 'succeeded', response: null });
    expect((await alice.call('GET', path)).status).toBe(404);
  });

  it('goes at once with ten thousand messages; with more nobody finds it any more, and workers delete it in pieces', async () => {
    const [small, large] = [await newRoom(alice, [bob]), await newRoom(alice, [bob])];
    const ledger = new LedgerCheck(system.database);
    const fill = (room: string, count: number): Promise<unknown> =>
      ledger.query(
        `insert into messages (id, author, text, room_id)
         select gen_random_uuid(), 'bob', 'hello', $1::uuid from generate_series(1, $2)`,
        [room, count],
      );
    const left = async (room: string): Promise<number[]> => {
      const [row] = await ledger.query<{ messages: number; rooms: number }>(
        `select (select count(*)::integer from messages where room_id = $1) as messages,
           (select count(*)::integer from rooms where id = $1) as rooms`,
        [room],
      );
      return [row!.messages, row!.rooms];
    };
    // The worker that is there has had its turn, and does not tidy before it is due again.
    await eventually(async () => {
      const due = `select from retention_turn where due_at > now() + interval '30 minutes'`;
      expect(await ledger.query(due)).toHaveLength(1);
    });
    await fill(small, 10_000);
    await fill(large, 12_000);
    for (const room of [small, large]) {
      expect(await done(alice, 'DELETE', `/v1/rooms/${room}`)).toMatchObject({ status: 'succeeded', response: null });
      for (const user of [alice, bob]) {
        expect((await user.call('GET', `/v1/rooms/${room}`)).status).toBe(404);
        expect((await user.call('GET', `/v1/messages?roomId=${room}`)).status).toBe(404);
      }
      expect(await done(alice, 'DELETE', `/v1/rooms/${room}`)).toMatchObject(NOT_FOUND);
      expect(await done(bob, 'POST', '/v1/messages', { text: 'late', roomId: room })).toMatchObject(NOT_FOUND);
    }
    expect(await left(small)).toEqual([0, 0]);
    expect(await left(large)).toEqual([12_000, 1]);
    const again = await done(bob, 'POST', '/v1/rooms', { id: large, name: 'mine' });
    expect(again).toMatchObject({ status: 'failed', error: { code: 'ALREADY_EXISTS' } });
    const announcer = await system.user('announcer', { scopes: ['announce'] });
    const announcement = { audience: `room:${large}`, title: 'to', body: 'nobody' };
    expect(await done(announcer, 'POST', '/v1/announcements', announcement)).toMatchObject({ status: 'failed' });

    await ledger.query('update retention_turn set due_at = now()');
    await system.add('worker');
    await eventually(async () => expect(await left(large)).toEqual([0, 0]));
    await ledger.close();
  });

  it('that is abandoned goes in pieces, past what an erasure deletes at the moment', async () => {
    const database = new Database({ url: system.database, poolSize: 2, applicationName: 'rooms.spec' });
    const rooms = new RoomsResource();
    const tidy = (): Promise<boolean> => database.transaction((sql) => rooms.tidy(sql));
    const id = randomUUID();
    const left = (): Promise<unknown[]> => database.query('select from rooms where id = $1', [id]);
    await database.query(`insert into rooms (id, name, creator) values ($1, '', '')`, [id]);
    await database.query(
      `insert into messages (id, author, text, room_id) select gen_random_uuid(), 'bob', 'x', $1::uuid from generate_series(1, 3)`,
      [id],
    );
    await database.transaction(async (erasure) => {
      await erasure.query('delete from messages where room_id = $1', [id]);
      expect(await tidy()).toBe(false);
    });
    expect(await left()).toHaveLength(1);
    expect([await tidy(), await tidy()]).toEqual([true, false]);
    expect(await left()).toEqual([]);
    await database.onApplicationShutdown();
  });

  it('lists the messages of one moment in the order in which they were submitted, the newest first', async () => {
    const roomId = await newRoom(alice);
    const texts = Array.from({ length: 20 }, (_, index) => `message ${index}`);
    const actions = texts.map((text) => ({ type: 'messages.create', payload: { text, roomId } }));
    await alice.call('POST', '/v1/actions/batch', { body: { actions } });
    const listed = async (): Promise<string[]> => {
      const { body } = await alice.call<{ data: { text: string }[] }>('GET', `/v1/messages?roomId=${roomId}&limit=50`);
      return body.data.map(({ text }) => text);
    };
    await eventually(async () => expect(await listed()).toHaveLength(20));
    expect(await listed()).toEqual(texts.toReversed());
  });

  it('is changed only in the version that was asked for, and shows it to who may change it', async () => {
    const id = await newRoom(alice, [bob]);
    const call = { body: { name: 'x' }, headers: { 'if-match': '"7"', prefer: 'wait=20' } };
    const stale = await alice.call<Action>('PATCH', `/v1/rooms/${id}`, call);
    expect(stale.body.error).toMatchObject({ code: 'PRECONDITION_FAILED', current: { id, version: 1 } });
    const foreign = await bob.call<Action>('PATCH', `/v1/rooms/${id}`, call);
    expect(foreign.body.error).toEqual({ code: 'NOT_FOUND', title: 'Not found', detail: 'Not found' });
    // Who may leave it sees what it is now.
    const leaving = await bob.call<Action>('DELETE', `/v1/rooms/${id}/members/bob`, { headers: call.headers });
    expect(leaving.body.error).toMatchObject({ code: 'PRECONDITION_FAILED', current: { id, version: 1 } });
  });

  it('has members, added and removed by its creator, listed for members', async () => {
    const id = await newRoom(alice);
    const member = `/v1/rooms/${id}/members`;
    expect(await done(bob, 'PUT', `${member}/bob`)).toMatchObject(NOT_FOUND);
    expect(await done(alice, 'PUT', `${member}/bob`)).toMatchObject({
      type: 'rooms.addMember',
      resource: { type: 'rooms', id },
      status: 'succeeded',
    });
    expect(await done(alice, 'PUT', `${member}/bob`)).toMatchObject({ status: 'succeeded' });
    const listed = await bob.call<{ data: { userId: string }[]; next: null }>('GET', member);
    expect(listed.body.data.map(({ userId }) => userId)).toEqual(['alice', 'bob']);
    expect((await carol.call('GET', member)).status).toBe(404);
    expect(await done(bob, 'DELETE', `${member}/alice`)).toMatchObject(NOT_FOUND);
    expect(await done(alice, 'DELETE', `${member}/alice`)).toMatchObject({ error: { code: 'FORBIDDEN' } });
    expect(await done(alice, 'DELETE', `${member}/carol`)).toMatchObject(NOT_FOUND);
    expect(await done(alice, 'DELETE', `${member}/bob`)).toMatchObject({
      type: 'rooms.removeMember',
      status: 'succeeded',
    });
    expect((await bob.call('GET', member)).status).toBe(404);
  });

  it('may be left by a member', async () => {
    const id = await newRoom(alice, [bob]);
    expect(await done(bob, 'DELETE', `/v1/rooms/${id}/members/bob`)).toMatchObject({ status: 'succeeded' });
    expect((await bob.call('GET', `/v1/rooms/${id}`)).status).toBe(404);
  });

  it('takes users of any name, and refuses a body where there is none', async () => {
    const id = await newRoom(alice);
    const odd = 'ü/ {*}:%';
    const path = `/v1/rooms/${id}/members/${encodeURIComponent(odd)}`;
    expect(await done(alice, 'PUT', path)).toMatchObject({ status: 'succeeded' });
    const { body } = await alice.call<{ data: { userId: string }[] }>('GET', `/v1/rooms/${id}/members`);
    expect(body.data.map(({ userId }) => userId)).toContain(odd);
    expect((await alice.call('PUT', path, { body: { role: 'admin' } })).body).toMatchObject({
      status: 400,
      code: 'VALIDATION_FAILED',
    });
    const tooLong = `/v1/rooms/${id}/members/${'x'.repeat(256)}`;
    expect((await alice.call('PUT', tooLong)).body).toMatchObject({ code: 'VALIDATION_FAILED' });
    const nowhere = { body: { actions: [{ type: 'rooms.addMember', resourceId: id, payload: {} }] } };
    expect((await alice.call('POST', '/v1/actions/batch', nowhere)).body).toMatchObject({
      results: [{ problem: { code: 'VALIDATION_FAILED', errors: [{ pointer: '/payload/userId' }] } }],
    });
  });

  it('tells who is added and removed on their own channel', async () => {
    const dave = await system.user(`dave-${randomUUID()}`);
    const listener = await dave.connect(system.sockets[0]!);
    const id = await newRoom(alice, [dave]);
    await done(alice, 'DELETE', `/v1/rooms/${id}/members/${dave.id}`);
    const marker = await dave.createMessage('marker');
    await listener.outcomeOf(marker);
    expect(listener.events.map(({ type, channel, data }) => ({ type, channel, data }))).toEqual([
      { type: 'room.memberAdded', channel: `user:${dave.id}`, data: { roomId: id, userId: dave.id } },
      { type: 'room.memberRemoved', channel: `user:${dave.id}`, data: { roomId: id, userId: dave.id } },
    ]);
  });
});

describe('messages in a room', () => {
  it('are written and read by its members, the newest first, by pages; only the author changes them', async () => {
    const id = await newRoom(alice, [bob]);
    const texts = ['one', 'two', 'three'];
    const ids: string[] = [];
    for (const [index, text] of texts.entries()) {
      const author = index === 1 ? bob : alice;
      const action = await done(author, 'POST', '/v1/messages', { text, roomId: id });
      expect(action).toMatchObject({ status: 'succeeded', response: { roomId: id, author: author.id, text } });
      ids.push(action.resource.id);
    }
    type Listed = { data: { text: string }[]; next: string | null };
    const page = await bob.call<Listed>('GET', `/v1/messages?roomId=${id}&limit=2`);
    expect(page.body.data.map(({ text }) => text)).toEqual(['three', 'two']);
    const rest = await bob.call<Listed>('GET', `/v1/messages?roomId=${id}&limit=2&after=${page.body.next!}`);
    expect([rest.body.data.map(({ text }) => text), rest.body.next]).toEqual([['one'], null]);
    expect((await bob.call('GET', `/v1/messages/${ids[0]!}`)).status).toBe(200);
    expect(await done(bob, 'PATCH', `/v1/messages/${ids[0]!}`, { text: 'x' })).toMatchObject(NOT_FOUND);
    expect(await done(bob, 'DELETE', `/v1/messages/${ids[0]!}`)).toMatchObject(NOT_FOUND);
    expect(await done(alice, 'PATCH', `/v1/messages/${ids[0]!}`, { text: 'uno' })).toMatchObject({
      status: 'succeeded',
    });
  });

  it('are nobody else’s to write or read', async () => {
    const id = await newRoom(alice, [bob]);
    const missing = randomUUID();
    const { resource } = await done(alice, 'POST', '/v1/messages', { text: 'secret', roomId: id });
    expect(await done(carol, 'POST', '/v1/messages', { text: 'hi', roomId: id })).toMatchObject(NOT_FOUND);
    expect(await done(carol, 'POST', '/v1/messages', { text: 'hi', roomId: missing })).toMatchObject(NOT_FOUND);
    for (const room of [id, missing]) {
      expect((await carol.call('GET', `/v1/messages?roomId=${room}`)).body).toMatchObject({ code: 'NOT_FOUND' });
    }
    expect((await carol.call('GET', `/v1/messages/${resource.id}`)).status).toBe(404);
    await done(alice, 'DELETE', `/v1/rooms/${id}/members/bob`);
    expect((await bob.call('GET', `/v1/messages/${resource.id}`)).status).toBe(404);
    for (const roomId of ['x', 7, null, {}]) {
      const { body } = await alice.call('POST', '/v1/messages', { body: { text: 'x', roomId } });
      expect(body).toMatchObject({ code: 'VALIDATION_FAILED', errors: [{ pointer: '/roomId' }] });
    }
  });

  it('wait for the room that the same owner has just asked for', async () => {
    const roomId = randomUUID();
    const messages = Array.from({ length: 5 }, (_, n) => ({
      type: 'messages.create',
      payload: { text: `${n}`, roomId },
    }));
    const actions = [{ type: 'rooms.create', resourceId: roomId, payload: { name: 'just now' } }, ...messages];
    const listener = await alice.connect(system.sockets[0]!);
    const { body } = await alice.call<{ results: { action: Action }[] }>('POST', '/v1/actions/batch', {
      body: { actions },
    });
    for (const { action } of body.results) {
      expect((await listener.outcomeOf(action)).data.status).toBe('succeeded');
    }
  });

  it('go with their room', async () => {
    const id = await newRoom(alice);
    const { resource } = await done(alice, 'POST', '/v1/messages', { text: 'x', roomId: id });
    await done(alice, 'DELETE', `/v1/rooms/${id}`);
    expect((await alice.call('GET', `/v1/messages/${resource.id}`)).status).toBe(404);
    expect(await done(alice, 'POST', '/v1/messages', { text: 'x', roomId: id })).toMatchObject(NOT_FOUND);
  });
});
