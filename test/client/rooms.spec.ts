import { randomUUID } from 'node:crypto';
import { beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { SubscriptionEvent, TidingsClient } from '#client';
import { eventually, startSystem, type System } from '#testing';
import { startLine } from './line.ts';
import { newcomer, type Newcomer } from './newcomer.ts';

let system: System;
let alice: Newcomer;
let bob: Newcomer;

beforeAll(async () => {
  system = await startSystem({ sockets: 2 });
});

beforeEach(() => {
  alice = newcomer(system);
  bob = newcomer(system, { socketUrl: system.sockets[1]!.url });
});

async function newRoom(...members: Newcomer[]): Promise<string> {
  const { outcome, action } = await alice.client.rooms.create({ name: 'a room' });
  await outcome();
  for (const { user } of members) {
    const added = await alice.client.rooms.addMember(action.resource.id, user);
    expect(await added.outcome()).toMatchObject({ status: 'succeeded', type: 'rooms.addMember' });
  }
  return action.resource.id;
}

async function say({ client }: { client: TidingsClient }, roomId: string, text: string): Promise<void> {
  const { outcome } = await client.messages.create({ text, roomId });
  expect(await outcome()).toMatchObject({ status: 'succeeded' });
}

function textOf({ type, data }: SubscriptionEvent): string {
  return (data as { text?: string }).text ?? type;
}

/** All but who comes and goes. */
function isKept(event: SubscriptionEvent): boolean {
  return 'offset' in event;
}

/** What a client hears in a room, from now on. */
function heardIn({ client }: { client: TidingsClient }, roomId: string) {
  const heard: string[] = [];
  const presence: string[] = [];
  const subscription = client.room(roomId).subscribe((event) => {
    if (isKept(event)) heard.push(textOf(event));
    else presence.push(event.type);
  });
  return { heard, presence, subscription };
}

describe('a room', () => {
  it('is filled, listed, and left by its members', async () => {
    const room = await newRoom(bob);
    const { data } = await bob.client.rooms.members(room);
    expect(data.map(({ userId }) => userId).toSorted()).toEqual([alice.user, bob.user].toSorted());
    await say(bob, room, 'hello');
    expect((await alice.client.messages.list({ roomId: room })).data).toMatchObject([{ text: 'hello', roomId: room }]);
    const left = await bob.client.rooms.removeMember(room, bob.user);
    expect(await left.outcome()).toMatchObject({ status: 'succeeded' });
    await expect(bob.client.rooms.members(room)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('is heard by all who subscribe, before or after they connect, and shared by those of one client', async () => {
    const room = await newRoom(bob);
    const early = heardIn(bob, room);
    await bob.client.connect();
    expect(await early.subscription.ready).toMatchObject({ recovered: true });
    // Its id is a UUID, in either case.
    const late = heardIn(bob, room.toUpperCase());
    await late.subscription.ready;
    await say(alice, room, 'one');
    await eventually(() => expect([early.heard, late.heard]).toEqual([['one'], ['one']]));
    early.subscription.unsubscribe();
    await say(alice, room, 'two');
    await eventually(() => expect(late.heard).toEqual(['one', 'two']));
    expect(early.heard).toEqual(['one']);
    expect(await early.subscription.ended).toBeUndefined();
  });

  it('is refused to strangers', async () => {
    const room = await newRoom();
    await bob.client.connect();
    const { ready, ended } = bob.client.room(room).subscribe();
    await expect(ready).rejects.toMatchObject({ code: 'FORBIDDEN', status: 403 });
    expect(await ended).toMatchObject({ code: 'FORBIDDEN', status: 403 });
  });

  it('is heard until the membership ends, as an iterator too', async () => {
    const room = await newRoom(bob);
    await bob.client.connect();
    const subscription = bob.client.room(room).subscribe();
    const events = subscription.events();
    await subscription.ready;
    await say(alice, room, 'one');
    await (await alice.client.rooms.removeMember(room, bob.user)).outcome();
    await say(alice, room, 'not for bob');
    const heard: string[] = [];
    for await (const event of events) if (isKept(event)) heard.push(textOf(event));
    expect(heard).toEqual(['one', 'room.memberRemoved']);
    expect(await subscription.ended).toMatchObject({ code: 'FORBIDDEN' });
  });
});

describe('who is in a room', () => {
  it('is told to members, and so is who comes and goes', async () => {
    const room = await newRoom(bob);
    await Promise.all([alice.client.connect(), bob.client.connect()]);
    const { presence, subscription } = heardIn(alice, room);
    await subscription.ready;
    const guest = heardIn(bob, room);
    await guest.subscription.ready;
    await eventually(async () => {
      expect((await alice.client.room(room).presence()).toSorted()).toEqual([alice.user, bob.user].toSorted());
    });
    guest.subscription.unsubscribe();
    await eventually(async () => expect(await alice.client.room(room).presence()).toEqual([alice.user]));
    await eventually(() => expect(presence).toEqual(expect.arrayContaining(['presence.joined', 'presence.left'])));
    const stranger = newcomer(system);
    await expect(stranger.client.room(room).presence()).rejects.toMatchObject({ code: 'NETWORK' });
    await stranger.client.connect();
    await expect(stranger.client.room(room).presence()).rejects.toMatchObject({ code: 'FORBIDDEN' });
  });
});

describe('what happens in a room while a client is away', { timeout: 60_000 }, () => {
  it('is heard when the line is mended: once, in order, with nothing left out', async () => {
    const line = await startLine(system.sockets[0]!);
    onTestFinished(() => line.close());
    const room = await newRoom();
    const carol = newcomer(system, { user: alice.user, socketUrl: line.url });
    const { heard, subscription } = heardIn(carol, room);
    await carol.client.connect();
    await subscription.ready;
    const said: string[] = [];
    const sayMore = async (count: number): Promise<void> => {
      for (let i = 0; i < count; i += 1) {
        said.push(`${said.length}`);
        await say(alice, room, said.at(-1)!);
      }
    };
    for (let round = 0; round < 3; round += 1) {
      await sayMore(3);
      line.cut();
      await sayMore(3);
      line.mend();
    }
    carol.client.useSocket(system.sockets[1]!.url);
    await sayMore(3);
    await eventually(() => expect(heard).toEqual(said), { timeoutMs: 20_000 });
  });

  it('is heard by the next client on the same storage, when it subscribes', async () => {
    const room = await newRoom(bob);
    let kept: string | null = null;
    const storage = { read: () => kept, write: (text: string) => void (kept = text) };
    const before = newcomer(system, { user: bob.user, storage });
    const first = heardIn(before, room);
    await before.client.connect();
    await first.subscription.ready;
    await say(alice, room, 'one');
    await eventually(() => expect(first.heard).toEqual(['one']));
    before.client.close();
    await say(alice, room, 'two');

    const after = newcomer(system, { user: bob.user, storage });
    const session = await after.client.connect();
    expect(session.recovered).toBe(true);
    await say(alice, room, 'three');
    const second = heardIn(after, room);
    await eventually(() => expect(second.heard).toEqual(['two', 'three']));
  });

  it('can be heard from the beginning, or not at all', async () => {
    const room = await newRoom();
    await say(alice, room, 'one');
    await bob.client.connect();
    const mine = newcomer(system, { user: alice.user });
    await mine.client.connect();
    const all: string[] = [];
    const whole = mine.client.room(room).subscribe((event) => isKept(event) && all.push(textOf(event)), { after: '0' });
    await whole.ready;
    await eventually(() => expect(all.at(-1)).toBe('one'));
    whole.unsubscribe();
    await say(alice, room, 'two');
    const fresh: string[] = [];
    await mine.client.room(room).subscribe((event) => isKept(event) && fresh.push(textOf(event)), { after: null })
      .ready;
    await say(alice, room, 'three');
    await eventually(() => expect(fresh).toEqual(['three']));
  });
});

describe('mirror', () => {
  it('reaches the other connections of the user', async () => {
    const first = newcomer(system, { user: `mirror-${randomUUID()}` });
    const second = newcomer(system, { user: first.user, socketUrl: system.sockets[1]!.url });
    const mirrored: unknown[] = [];
    second.client.on('event', ({ type, data }) => type === 'mirror' && mirrored.push(data));
    await Promise.all([first.client.connect(), second.client.connect()]);
    await first.client.mirror('typing', { in: 'a field' });
    await eventually(() => expect(mirrored).toEqual([{ event: 'typing', data: { in: 'a field' } }]));
    first.client.disconnect();
    await expect(first.client.mirror('typing')).rejects.toMatchObject({ code: 'NETWORK' });
  });
});
