import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Ack, PresenceChange } from '#contracts';
import { eventually, startSystem, type Listener, type System, type TestUser } from '#testing';
import { done, newRoom, subscribe, unsubscribe } from './room.ts';

const ROOMS = 10;
const USERS_EACH = 50;

/** Of each room, so many have another socket elsewhere, and so many come back elsewhere at once. */
const TWOFOLD_EACH = 10;
const BACK_EACH = 10;

/** An instance that is silent for so long may count as dead, in milliseconds. */
const LEAST_SILENT_MS = 2_500;

const PATIENT = { timeoutMs: 25_000 };

let system: System;

beforeAll(async () => {
  system = await startSystem({ sockets: 3 });
});

async function newUsers(...names: string[]): Promise<TestUser[]> {
  const run = randomUUID().slice(0, 8);
  return Promise.all(names.map((name) => system.user(`${name}-${run}`)));
}

function presence({ socket }: Listener, roomId: string): Promise<Ack<{ users: string[] }>> {
  return socket.timeout(10_000).emitWithAck('presence', { channel: `room:${roomId}` });
}

/** A socket of a user that has subscribed to a room. */
async function enter(user: TestUser, socket: { url: string }, roomId: string): Promise<Listener> {
  const listener = await user.connect(socket, { reconnects: false });
  expect(await subscribe(listener, roomId)).toMatchObject({ ok: true });
  return listener;
}

/** What a listener was told of others, as `type user`, sorted; nobody counts on hearing of themselves. */
function told({ ephemera, session }: Listener): string[] {
  return ephemera
    .map(({ type, data }) => ({ type, userId: (data as PresenceChange).userId }))
    .filter(({ userId }) => userId !== session.userId)
    .map(({ type, userId }) => `${type} ${userId}`)
    .toSorted();
}

function ids(users: readonly TestUser[]): string[] {
  return users.map(({ id }) => id).toSorted();
}

describe('presence in a room', { timeout: 120_000 }, () => {
  it('is told to its members, and to nobody else', async () => {
    const [alice, bob, carol] = (await newUsers('alice', 'bob', 'carol')) as [TestUser, TestUser, TestUser];
    const room = await newRoom(alice, [bob]);
    const [first, second] = system.sockets;
    const listener = await enter(alice, first!, room);
    const bobs = await bob.connect(second!);
    // A member need not be present.
    await eventually(async () => expect(await presence(bobs, room)).toEqual({ ok: true, users: [alice.id] }), PATIENT);

    const stranger = await carol.connect(first!);
    const [foreign, missing] = [await presence(stranger, room), await presence(stranger, randomUUID())];
    expect(foreign).toMatchObject({ ok: false, problem: { code: 'FORBIDDEN' } });
    expect(missing).toEqual(foreign);
    expect(told(listener)).toEqual([]);
  });

  it('changes once a user, not once a socket', async () => {
    const [alice, bob] = (await newUsers('alice', 'bob')) as [TestUser, TestUser];
    const room = await newRoom(alice, [bob]);
    const [first, second] = system.sockets;
    const listener = await enter(alice, first!, room);
    const sockets = [await enter(bob, first!, room), await enter(bob, first!, room), await enter(bob, second!, room)];
    await eventually(async () =>
      expect(await presence(listener, room)).toEqual({ ok: true, users: ids([alice, bob]) }),
    );
    sockets[0]!.close();
    await unsubscribe(sockets[1]!, room);
    sockets[2]!.close();
    await eventually(
      async () => expect(await presence(listener, room)).toEqual({ ok: true, users: [alice.id] }),
      PATIENT,
    );
    await eventually(() => {
      expect(told(listener)).toEqual([`presence.joined ${bob.id}`, `presence.left ${bob.id}`]);
    }, PATIENT);
  });

  it('ends with the membership', async () => {
    const [alice, bob] = (await newUsers('alice', 'bob')) as [TestUser, TestUser];
    const room = await newRoom(alice, [bob]);
    const listener = await enter(alice, system.sockets[0]!, room);
    const bobs = await enter(bob, system.sockets[1]!, room);
    await done(alice, 'DELETE', `/v1/rooms/${room}/members/${bob.id}`);
    await eventually(() => expect(told(listener)).toContain(`presence.left ${bob.id}`), PATIENT);
    expect(await presence(listener, room)).toEqual({ ok: true, users: [alice.id] });
    expect(await presence(bobs, room)).toMatchObject({ ok: false, problem: { code: 'FORBIDDEN' } });
  });

  it('is right again after an instance with 500 users was killed: no ghost, and no word of who is still there', async () => {
    const [victim, second, third] = system.sockets;
    const [alice] = (await newUsers('alice')) as [TestUser];
    const parties = await Promise.all(
      Array.from({ length: ROOMS }, async (_, index) => {
        const users = await newUsers(...Array.from({ length: USERS_EACH }, (__, place) => `user-${index}-${place}`));
        const room = await newRoom(alice);
        const witness = await enter(alice, second!, room);
        const submits = users.map(({ id }) => alice.submit('PUT', `/v1/rooms/${room}/members/${id}`));
        await witness.outcomesOf(await Promise.all(submits), 30_000);
        return { room, users, witness };
      }),
    );
    for (const { room, users } of parties) {
      await Promise.all(users.map((user) => enter(user, victim!, room)));
      await Promise.all(users.slice(0, TWOFOLD_EACH).map((user) => enter(user, third!, room)));
    }
    for (const { room, users, witness } of parties) {
      await eventually(() => expect(told(witness)).toEqual(ids(users).map((id) => `presence.joined ${id}`)), PATIENT);
      expect(await presence(witness, room)).toEqual({ ok: true, users: ids([alice, ...users]) });
      witness.ephemera.length = 0;
    }

    const killedAt = performance.now();
    await victim!.kill();
    await Promise.all(
      parties.flatMap(({ room, users }) =>
        users.slice(TWOFOLD_EACH, TWOFOLD_EACH + BACK_EACH).map((user) => enter(user, second!, room)),
      ),
    );
    const backAfterMs = Math.round(performance.now() - killedAt);
    const observer = await enter(alice, third!, parties[0]!.room);
    // On a slow machine the instance counts as dead before they are back: then it is right to say so.
    const areInTime = backAfterMs < LEAST_SILENT_MS;
    for (const { room, users, witness } of parties) {
      const there = ids([alice, ...users.slice(0, TWOFOLD_EACH + BACK_EACH)]);
      const gone = ids(users.slice(TWOFOLD_EACH + BACK_EACH)).map((id) => `presence.left ${id}`);
      for (const asked of [witness, observer]) {
        await eventually(async () => expect(await presence(asked, room)).toEqual({ ok: true, users: there }), PATIENT);
      }
      const late = new Set(
        areInTime
          ? []
          : ids(users.slice(TWOFOLD_EACH, TWOFOLD_EACH + BACK_EACH)).flatMap((id) => [
              `presence.left ${id}`,
              `presence.joined ${id}`,
            ]),
      );
      await eventually(() => expect(told(witness).filter((line) => !late.has(line))).toEqual(gone), PATIENT);
    }
    const rightAfterMs = Math.round(performance.now() - killedAt);
    console.log(
      `presence: 500 users of a killed instance, some back after ${backAfterMs} ms, right after ${rightAfterMs} ms`,
    );
  });
});
