import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { eventually, FaultyProxy, startSystem, type StartedApp, type System, type TestUser } from '#testing';
import { done, heardOf, newRoom, subscribe, unsubscribe } from './room.ts';

let system: System;
let network: FaultyProxy;
let socket: StartedApp;
let alice: TestUser;
let bob: TestUser;

beforeAll(async () => {
  system = await startSystem({ sockets: 0 });
  network = await FaultyProxy.start(system.redis.url);
  // What Redis does not bring comes with the next message, and not before.
  socket = await system.add('socket', { REDIS_URL: network.url, POSITION_CHECK_MS: '60000' });
});

beforeEach(async () => {
  const run = randomUUID().slice(0, 8);
  [alice, bob] = [await system.user(`alice-${run}`), await system.user(`bob-${run}`)];
});

afterEach(() => {
  network.meddle = undefined;
});

/** Whether somebody waits for a lock. */
const WAITS = `
select exists (
  select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'
) as waits`;

const say = (roomId: string, text: string) => done(alice, 'POST', '/v1/messages', { text, roomId });
const change = (method: 'PUT' | 'DELETE', roomId: string) =>
  done(alice, method, `/v1/rooms/${roomId}/members/${bob.id}`);

/** Redis brings nothing of the room any more; other channels go on. */
function keepBack(roomId: string): void {
  const channel = `room:${roomId}`;
  network.meddle = (message) => (message.includes(channel) ? [] : [message]);
}

describe('a member whose removal the gateway has not heard of', { timeout: 30_000 }, () => {
  it('is evicted in the order of the stream when it does', async () => {
    const room = await newRoom(alice, [bob]);
    const listener = await bob.connect(socket);
    await subscribe(listener, room);
    keepBack(room);
    await say(room, 'before');
    await change('DELETE', room);
    await say(room, 'not for bob');
    expect(heardOf(listener, room)).toEqual([]);
    network.meddle = undefined;
    await say(room, 'nor this');
    const expected = ['message.created before', `room.memberRemoved ${bob.id}`];
    await eventually(() => expect(heardOf(listener, room)).toEqual(expected));
    await listener.outcomeOf(await bob.createMessage('marker'));
    expect(heardOf(listener, room)).toEqual(expected);
  });

  it('hears the room from its new membership on, when it is added again and subscribes before that', async () => {
    const room = await newRoom(alice, [bob]);
    const listener = await bob.connect(socket);
    await subscribe(listener, room);
    keepBack(room);
    await say(room, 'before');
    await change('DELETE', room);
    await say(room, 'not for bob');
    await change('PUT', room);
    await eventually(() => expect(listener.events.map(({ type }) => type)).toContain('room.memberAdded'));
    expect(await subscribe(listener, room)).toMatchObject({ ok: true, recovered: true });
    network.meddle = undefined;
    await say(room, 'again for bob');
    const expected = ['message.created before', `room.memberRemoved ${bob.id}`, 'message.created again for bob'];
    await eventually(() => expect(heardOf(listener, room)).toEqual(expected));
    await say(room, 'and once more');
    await eventually(() => expect(heardOf(listener, room)).toEqual([...expected, 'message.created and once more']));
  });
});

describe('a change of a message while its author is being removed', { timeout: 30_000 }, () => {
  it('waits for the removal, and is refused after it', async () => {
    const room = await newRoom(alice, [bob]);
    const { resource } = await done(bob, 'POST', '/v1/messages', { text: 'mine', roomId: room });
    const removal = new pg.Client({ connectionString: system.database });
    await removal.connect();
    await removal.query('begin');
    await removal.query('delete from room_members where room_id = $1 and user_id = $2', [room, bob.id]);
    const edit = await bob.editMessage(resource.id, 'too late');
    await eventually(async () => {
      const { rows } = await removal.query<{ waits: boolean }>(WAITS);
      expect(rows[0]!.waits || (await bob.action(edit.id)).done).toBe(true);
    });
    await removal.query('commit');
    await removal.end();
    await eventually(async () =>
      expect(await bob.action(edit.id)).toMatchObject({ status: 'failed', error: { code: 'NOT_FOUND' } }),
    );
  });
});

it('who leaves a room while being brought in stays connected', { timeout: 30_000 }, async () => {
  const postgres = await FaultyProxy.start(system.database);
  const slow = await system.add('socket', {
    REDIS_URL: network.url,
    DATABASE_URL: postgres.url,
    POSITION_CHECK_MS: '60000',
  });
  const [room, other] = [await newRoom(alice, [bob]), await newRoom(alice, [bob])];
  const [there, listener] = [await alice.connect(slow), await bob.connect(slow)];
  await subscribe(there, room);
  keepBack(room);
  await say(room, 'unheard');
  // Bob's membership is read at a position that the gateway has to fetch first.
  postgres.slow(100);
  expect(await subscribe(listener, room)).toMatchObject({ ok: true });
  expect(await unsubscribe(listener, room)).toEqual({ ok: true });
  await eventually(() => expect(heardOf(there, room)).toEqual(['message.created unheard']));
  // As long as it would take to notice that he is nowhere.
  for (const id of [other, room, other]) expect(await subscribe(listener, id)).toMatchObject({ ok: true });
  expect(listener.sessions).toHaveLength(1);
});
