import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { encodeCursor, type Action } from '#contracts';
import { eventually, startSystem, type Listener, type System, type TestUser } from '#testing';
import { ackOf } from '../audiences/ack.ts';
import { heardOf, newRoom, subscribe } from '../rooms/room.ts';
import { EventStream } from './event-stream.ts';

const SEED = 20_261_125;
const SECRET = 'a secret of the room';
const PAST = 3;

let system: System;
let alice: TestUser;
let mallory: TestUser;
let alices: Listener;
let mallorys: Listener;
let stream: EventStream;
/** What there is to steal. */
let room: string;
let messages: string[];
let cursors: string[];

beforeAll(async () => {
  system = await startSystem({ sockets: 1 });
  [alice, mallory] = await Promise.all([system.user('alice'), system.user('mallory')]);
  room = await newRoom(alice, [await system.user('bob')], SECRET);
  alices = await alice.connect(system.sockets[0]!);
  mallorys = await mallory.connect(system.sockets[0]!);
  stream = await EventStream.open(system.sockets[0]!, { token: mallory.token });
  const answer = await subscribe(alices, room);
  if (!answer.ok) throw new Error(`alice cannot subscribe to her own room: ${JSON.stringify(answer)}`);
  messages = [];
  for (let index = 0; index < PAST; index += 1) {
    messages.push((await alice.createMessage(`${SECRET} ${index}`, { roomId: room })).resource.id);
  }
  await eventually(() => {
    if (heardOf(alices, room).length !== PAST) throw new Error('alice has not heard all of her messages');
  });
  cursors = alices.events.map(({ cursor }) => cursor);
});

/** Ids of what is alice's, and of nothing. */
const foreignId = (): fc.Arbitrary<string> => fc.oneof(fc.constantFrom(room, ...messages), fc.uuid());

/** Names of the room, and what looks like them. */
function foreignRoom(): fc.Arbitrary<string> {
  return fc.oneof(
    fc.constantFrom(`room:${room}`, `room:${room.toUpperCase()}`, `room:{${room}}`, ` room:${room}`, `room:${room}\n`),
    fc.constantFrom('user:alice', 'room:*', 'room:', `room:${room}:x`, `room:%${room}`),
    fc.string({ maxLength: 20 }).map((noise) => `room:${room}${noise}`),
  );
}

function foreignCursor(): fc.Arbitrary<string | undefined> {
  return fc.oneof(
    fc.constantFrom(undefined, '0', ...cursors),
    fc
      .record({ channel: foreignRoom(), offset: fc.nat(9), check: fc.stringMatching(/^[0-9a-f]{12}$/) })
      .map(encodeCursor),
  );
}

function check<Value>(arbitrary: fc.Arbitrary<Value>, numRuns: number, attack: (value: Value) => Promise<void>) {
  return fc.assert(fc.asyncProperty(arbitrary, attack), { seed: SEED, numRuns });
}

/** Nothing that mallory has heard so far is of the room. */
function expectNothingHeard(): void {
  expect(JSON.stringify([mallorys.outcomes, mallorys.events, mallorys.ephemera, stream.events])).not.toContain(SECRET);
  expect(mallorys.events.filter(({ channel }) => channel.startsWith('room:'))).toEqual([]);
  expect(mallorys.ephemera).toEqual([]);
}

describe('whoever is no member of a room, whatever they make up,', { timeout: 60_000 }, () => {
  it('does not hear it, nor who is there', async () => {
    await check(fc.tuple(foreignRoom(), foreignCursor()), 150, async ([channel, cursor]) => {
      const given = { channel, ...(cursor !== undefined && { cursor }) };
      for (const [event, body] of [
        ['subscribe', given],
        ['presence', { channel }],
        ['delivered', { cursor: cursor ?? '0' }],
      ] as const) {
        const answer = await ackOf(mallorys, event, body);
        expect([event, channel, answer.ok]).toEqual([event, channel, false]);
        expect(JSON.stringify(answer)).not.toMatch(new RegExp(`${SECRET}|bob|alice"`));
      }
    });
    await check(fc.array(foreignCursor(), { maxLength: 4 }), 20, async (given) => {
      const some = given.filter((cursor) => cursor !== undefined);
      const listener = await mallory.connect(system.sockets[0]!, { cursors: some });
      const marker = await mallory.createMessage('marker');
      await listener.outcomeOf(marker);
      expect(JSON.stringify([listener.outcomes, listener.events])).not.toContain(SECRET);
      listener.close();
    });
  });

  it('reads nothing of it', async () => {
    await check(fc.tuple(foreignId(), foreignCursor()), 60, async ([id, cursor]) => {
      const after = cursor === undefined ? '' : `&after=${encodeURIComponent(cursor)}`;
      for (const path of [
        `/v1/rooms/${id}`,
        `/v1/rooms/${id}/members`,
        `/v1/messages/${id}`,
        `/v1/messages?roomId=${id}${after}`,
        `/v1/outcomes?after=${encodeURIComponent(cursor ?? '0')}`,
      ]) {
        const { status, body } = await mallory.call('GET', path);
        expect([200, 400, 404, 410]).toContain(status);
        expect(JSON.stringify(body)).not.toContain(SECRET);
      }
    });
    expect((await mallory.call<{ data: unknown[] }>('GET', '/v1/rooms')).body.data).toEqual([]);
  });

  it('changes nothing in it, and learns not even that it is there', async () => {
    const attack = fc.record({
      type: fc.constantFrom(
        ...['messages.edit', 'messages.delete', 'rooms.edit', 'rooms.delete', 'rooms.addMember', 'rooms.removeMember'],
        'messages.create',
      ),
      id: foreignId(),
      ifMatch: fc.constantFrom(undefined, '1', '7'),
      member: fc.constantFrom('mallory', 'bob', 'alice'),
    });
    const payloads: Record<string, (member: string) => object | undefined> = {
      'messages.edit': () => ({ text: 'defaced' }),
      'messages.create': () => ({ text: 'defaced', roomId: room }),
      'rooms.edit': () => ({ name: 'defaced' }),
      'rooms.addMember': (userId) => ({ userId }),
      'rooms.removeMember': (userId) => ({ userId }),
    };
    const actions = fc.sample(attack, { seed: SEED, numRuns: 300 }).map(({ type, id, ifMatch, member }) => ({
      type,
      resourceId: type === 'messages.create' ? randomUUID() : id,
      payload: payloads[type]?.(member),
      // What is undefined is not in the JSON.
      ifMatch: type === 'messages.create' ? undefined : ifMatch,
    }));
    const { status, body } = await mallory.call<{ results: { action: Action }[] }>('POST', '/v1/actions/batch', {
      body: { actions },
    });
    expect([status, body.results.filter(({ action }) => !action)]).toEqual([202, []]);
    await mallorys.outcomesOf(
      body.results.map(({ action }) => action),
      30_000,
    );
    // What is there and what is not: the same answer.
    const errors = new Map<string, Set<string>>();
    for (const { data } of mallorys.outcomes) {
      if (!body.results.some(({ action }) => action.id === data.id)) continue;
      errors.set(data.type, (errors.get(data.type) ?? new Set()).add(JSON.stringify(data.error)));
    }
    for (const [type, answers] of errors) {
      expect([type, ...answers]).toEqual([type, expect.stringContaining('"code":"NOT_FOUND"')]);
      expect([...answers].join()).not.toMatch(/current|secret/);
    }
    const read = await alice.call<{ data: { text: string; version: number }[] }>('GET', `/v1/messages?roomId=${room}`);
    const seen = read.body.data.map(({ text, version }) => `${text}, version ${version}`);
    expect(seen.toSorted()).toEqual([0, 1, 2].map((index) => `${SECRET} ${index}, version 1`));
    expect((await alice.call('GET', `/v1/rooms/${room}`)).body).toMatchObject({ name: SECRET, version: 1 });
    expect(heardOf(alices, room)).toHaveLength(PAST);
  });

  it('has heard nothing of it in all that time, nor of what follows', async () => {
    await alice.createMessage(SECRET, { roomId: room });
    await eventually(() => expect(heardOf(alices, room)).toHaveLength(PAST + 1));
    const marker = await mallory.createMessage('the last');
    await mallorys.outcomeOf(marker);
    await eventually(() =>
      expect(stream.outcomes.some(({ data }) => (data.data as Action).id === marker.id)).toBe(true),
    );
    expectNothingHeard();
  });
});
