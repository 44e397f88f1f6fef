import { randomUUID } from 'node:crypto';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { eventually, LedgerCheck, startSystem, type Listener, type System, type TestUser } from '#testing';
import { done, heardOf, newRoom, subscribe, unsubscribe } from './room.ts';

let system: System;
let alice: TestUser;
let bob: TestUser;
let carol: TestUser;

beforeAll(async () => {
  system = await startSystem({ sockets: 2 });
});

beforeEach(async () => {
  const run = randomUUID().slice(0, 8);
  [alice, bob, carol] = (await Promise.all(['alice', 'bob', 'carol'].map((name) => system.user(`${name}-${run}`)))) as [
    TestUser,
    TestUser,
    TestUser,
  ];
});

const say = (user: TestUser, roomId: string, text: string) => done(user, 'POST', '/v1/messages', { text, roomId });

async function hears(listener: Listener, roomId: string, expected: string[]): Promise<void> {
  await eventually(() => {
    expect(heardOf(listener, roomId)).toEqual(expected);
  });
}

/** Whatever was on its way to a listener has come: its user hears something later. */
async function passMarker(user: TestUser, listener: Listener): Promise<void> {
  await listener.outcomeOf(await user.createMessage('marker'));
}

const OK = { ok: true, recovered: true, cursor: expect.any(String) as string };
const FORBIDDEN = { ok: false, problem: { code: 'FORBIDDEN' } };

describe('subscribing to a room', () => {
  it('brings its events to members on every instance, in order, and to nobody else', async () => {
    const room = await newRoom(alice, [bob]);
    const [first, second] = system.sockets;
    const members = [await alice.connect(first!), await bob.connect(second!)];
    const stranger = await carol.connect(first!);
    for (const listener of members) expect(await subscribe(listener, room)).toMatchObject(OK);
    expect(await subscribe(stranger, room)).toMatchObject(FORBIDDEN);

    const { resource } = await say(alice, room, 'hello');
    await say(bob, room, 'hi');
    await done(alice, 'PATCH', `/v1/messages/${resource.id}`, { text: 'hello!' });
    await done(alice, 'DELETE', `/v1/messages/${resource.id}`);
    await done(alice, 'PATCH', `/v1/rooms/${room}`, { name: 'renamed' });
    const expected = [
      'message.created hello',
      'message.created hi',
      'message.edited hello!',
      'message.deleted',
      'room.edited renamed',
    ];
    for (const listener of members) await hears(listener, room, expected);
    const [ours, theirs] = members.map(({ events }) => events.filter(({ channel }) => channel === `room:${room}`));
    expect(ours).toEqual(theirs);
    expect(ours!.map(({ offset }) => offset)).toEqual([3, 4, 5, 6, 7]);
    await passMarker(carol, stranger);
    expect(stranger.events).toEqual([]);
  });

  it('answers foreign and missing rooms, and what is no room, alike', async () => {
    const room = await newRoom(alice);
    const listener = await bob.connect(system.sockets[0]!);
    const foreign = await subscribe(listener, room);
    expect(await subscribe(listener, randomUUID())).toEqual(foreign);
    for (const channel of ['everyone', `user:${bob.id}`, `user:${alice.id}`, 'room:', 'x']) {
      expect(await listener.socket.timeout(5_000).emitWithAck('subscribe', { channel })).toEqual(foreign);
    }
    expect(foreign).toMatchObject(FORBIDDEN);
  });

  it('goes on from a cursor, and says why it cannot', async () => {
    const room = await newRoom(alice, [bob]);
    const listener = await bob.connect(system.sockets[0]!);
    await subscribe(listener, room);
    await say(alice, room, 'one');
    await hears(listener, room, ['message.created one']);
    const { cursor } = listener.events.at(-1)!;
    listener.close();
    await say(alice, room, 'two');
    await say(alice, room, 'three');

    const again = await bob.connect(system.sockets[1]!);
    expect(await subscribe(again, room, cursor)).toMatchObject({ ...OK, cursor });
    await hears(again, room, ['message.created two', 'message.created three']);
    expect(again.events.every(({ replayed, channel }) => replayed === true || channel !== `room:${room}`)).toBe(true);
    expect(await subscribe(again, room, 'garbage')).toMatchObject({
      ok: true,
      recovered: false,
      reason: 'CURSOR_INVALID',
    });
    await say(alice, room, 'four');
    await eventually(() => expect(heardOf(again, room).at(-1)).toBe('message.created four'));
  });

  it('is remembered by a handshake with the last cursor of the room', async () => {
    const room = await newRoom(alice, [bob]);
    const foreign = await newRoom(alice);
    const first = await bob.connect(system.sockets[0]!);
    const answer = await subscribe(first, room);
    if (!answer.ok) throw new Error('not subscribed');
    first.close();
    await say(alice, room, 'missed');
    const second = await bob.connect(system.sockets[1]!, { cursors: [answer.cursor] });
    expect(second.session.recovered).toBe(true);
    await hears(second, room, ['message.created missed']);
    const stranger = await carol.connect(system.sockets[1]!, { cursors: [answer.cursor] });
    expect(stranger.session).toMatchObject({ recovered: false, reasons: { [`room:${room}`]: 'CURSOR_INVALID' } });
    await say(alice, room, 'more');
    await hears(second, room, ['message.created missed', 'message.created more']);
    await passMarker(carol, stranger);
    expect(stranger.events).toEqual([]);
    expect(foreign).not.toBe(room);
  });

  it('takes the id of a room in capitals, too, as REST does', async () => {
    const room = await newRoom(alice, [bob]);
    const listener = await bob.connect(system.sockets[0]!);
    const channel = `room:${room.toUpperCase()}`;
    const { socket } = listener;
    expect(await subscribe(listener, room.toUpperCase())).toMatchObject(OK);
    await say(alice, room, 'one');
    await hears(listener, room, ['message.created one']);
    expect(await socket.emitWithAck('presence', { channel })).toEqual({ ok: true, users: [bob.id] });
    expect(await unsubscribe(listener, room.toUpperCase())).toEqual({ ok: true });
    await say(alice, room, 'two');
    await passMarker(bob, listener);
    expect(heardOf(listener, room)).toEqual(['message.created one']);
  });

  it('ends with unsubscribe, and may begin again', async () => {
    const room = await newRoom(alice, [bob]);
    const listener = await bob.connect(system.sockets[0]!);
    await subscribe(listener, room);
    await say(alice, room, 'one');
    await hears(listener, room, ['message.created one']);
    expect(await unsubscribe(listener, room)).toEqual({ ok: true });
    await say(alice, room, 'two');
    await passMarker(bob, listener);
    expect(heardOf(listener, room)).toEqual(['message.created one']);
    await subscribe(listener, room);
    await say(alice, room, 'three');
    await hears(listener, room, ['message.created one', 'message.created three']);
  });

  it('keeps the order of commands that come at once', async () => {
    const room = await newRoom(alice, [bob]);
    const listener = await bob.connect(system.sockets[0]!);
    const answers = await Promise.all([
      subscribe(listener, room),
      unsubscribe(listener, room),
      subscribe(listener, room),
      subscribe(listener, room),
    ]);
    expect(answers.map(({ ok }) => ok)).toEqual([true, true, true, true]);
    await say(alice, room, 'once');
    await hears(listener, room, ['message.created once']);
    await passMarker(bob, listener);
    expect(heardOf(listener, room)).toEqual(['message.created once']);

    const other = await newRoom(alice, [bob]);
    await Promise.all([subscribe(listener, other), unsubscribe(listener, other)]);
    await say(alice, other, 'not for bob');
    await passMarker(bob, listener);
    expect(heardOf(listener, other)).toEqual([]);
  });

  it('is answered before what was missed comes', async () => {
    const room = await newRoom(alice, [bob]);
    await say(alice, room, 'one');
    const listener = await bob.connect(system.sockets[0]!);
    const said: string[] = [];
    listener.socket.on('event', ({ type }) => said.push(type));
    listener.socket.emit('subscribe', { channel: `room:${room}`, cursor: '0' }, () => said.push('answer'));
    await hears(listener, room, ['message.created one']);
    expect(said.filter((each) => each !== 'presence.joined')).toEqual(['answer', 'message.created']);
  });
});

describe('membership', () => {
  it('ends in the order of the stream: the removed member hears of it, and nothing after it, anywhere', async () => {
    const room = await newRoom(alice, [bob]);
    const bobs = [await bob.connect(system.sockets[0]!), await bob.connect(system.sockets[1]!)];
    const alices = await alice.connect(system.sockets[1]!);
    for (const listener of [...bobs, alices]) await subscribe(listener, room);
    await say(alice, room, 'before');
    await done(alice, 'DELETE', `/v1/rooms/${room}/members/${bob.id}`);
    await say(alice, room, 'after');
    await hears(alices, room, ['message.created before', `room.memberRemoved ${bob.id}`, 'message.created after']);
    for (const listener of bobs) {
      await hears(listener, room, ['message.created before', `room.memberRemoved ${bob.id}`]);
      await passMarker(bob, listener);
      expect(heardOf(listener, room)).toHaveLength(2);
      expect(await subscribe(listener, room, '0')).toMatchObject(FORBIDDEN);
      expect(await subscribe(listener, room, listener.events.at(-1)!.cursor)).toMatchObject(FORBIDDEN);
    }
  });

  it('is the floor of replays: who joins again hears from the new membership on', async () => {
    const room = await newRoom(alice, [bob]);
    const listener = await bob.connect(system.sockets[0]!);
    await subscribe(listener, room);
    await say(alice, room, 'first time');
    await hears(listener, room, ['message.created first time']);
    const early = listener.events.find(({ channel }) => channel === `room:${room}`)!.cursor;
    await done(alice, 'DELETE', `/v1/rooms/${room}/members/${bob.id}`);
    await say(alice, room, 'not for bob');
    await done(alice, 'PUT', `/v1/rooms/${room}/members/${bob.id}`);
    await say(alice, room, 'second time');
    for (const cursor of ['0', early]) {
      const again = await bob.connect(system.sockets[1]!);
      expect(await subscribe(again, room, cursor)).toMatchObject(OK);
      await hears(again, room, ['message.created second time']);
      again.close();
    }
  });

  it('may have begun before what is retained: from the beginning is from there', async () => {
    const room = await newRoom(alice, [bob]);
    const first = await bob.connect(system.sockets[0]!);
    const answer = await subscribe(first, room);
    await say(alice, room, 'one');
    await say(alice, room, 'two');
    await hears(first, room, ['message.created one', 'message.created two']);
    first.close();
    const ledger = new LedgerCheck(system.database);
    await ledger.query(`delete from events where channel = $1 and "offset" < 4`, [`room:${room}`]);
    await ledger.close();
    const again = await bob.connect(system.sockets[1]!);
    expect(await subscribe(again, room, '0')).toMatchObject(OK);
    await hears(again, room, ['message.created two']);
    const late = await bob.connect(system.sockets[1]!);
    const cursor = answer.ok ? answer.cursor : '';
    expect(await subscribe(late, room, cursor)).toMatchObject({ recovered: false, reason: 'CURSOR_TOO_OLD' });
    await hears(late, room, ['message.created two']);
  });

  it('ends for all with the room', async () => {
    const room = await newRoom(alice, [bob]);
    const listener = await bob.connect(system.sockets[0]!);
    await subscribe(listener, room);
    await done(alice, 'DELETE', `/v1/rooms/${room}`);
    await hears(listener, room, ['room.deleted']);
    expect(await subscribe(listener, room)).toMatchObject(FORBIDDEN);
  });
});
