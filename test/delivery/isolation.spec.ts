import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { AUTHENTICATED, encodeCursor, EVERYONE, userChannel, type AcceptedAction } from '#contracts';
import { eventually, startSystem, type Listener, type System, type TestUser } from '#testing';
import { EventStream } from './event-stream.ts';
import { reportDelivered } from './report-delivered.ts';
import { heardAll } from './sequence.ts';

const SEED = 20_261_124;
const SECRET = 'a secret of alice';
const PAST = 5;

let system: System;
let alice: TestUser;
let mallory: TestUser;
/** What there is to steal. */
let actions: AcceptedAction[];
let cursors: string[];

beforeAll(async () => {
  system = await startSystem({ sockets: 1 });
  // Names that a careless comparison would mix up.
  alice = await system.user('alice');
  mallory = await system.user('alice:x');
  const listener = await alice.connect(system.sockets[0]!);
  actions = [];
  for (let index = 0; index < PAST; index += 1) actions.push(await alice.createMessage(`${SECRET} ${index}`));
  await heardAll(listener, PAST);
  cursors = listener.outcomes.map(({ cursor }) => cursor);
});

/** Names of channels that are, or look like, those of others. */
const foreignChannel = fc.oneof(
  fc.constantFrom(
    userChannel('alice'),
    'user:alice:x:y',
    'user:*',
    'user:',
    'user:{alice}',
    `room:${randomUUID()}`,
    AUTHENTICATED,
    EVERYONE,
  ),
  fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 30 }).map((name) => `user:${name}`),
);

/** Cursors of alice, forged ones of hers, and noise. */
function foreignCursor(): fc.Arbitrary<string> {
  return fc.oneof(
    fc.constantFrom(...cursors, ...actions.map(({ cursor }) => cursor)),
    fc
      .record({
        channel: foreignChannel,
        offset: fc.nat(2 * PAST),
        check: fc.stringMatching(/^[0-9a-f]{12}$/),
      })
      .map(encodeCursor),
    fc.tuple(fc.constantFrom(...cursors), fc.nat(40), fc.string({ maxLength: 3 })).map(mutate),
    fc.string({ maxLength: 60 }),
  );
}

function mutate([text, at, noise]: [text: string, at: number, noise: string]): string {
  return text.slice(0, at) + noise + text.slice(at + noise.length);
}

/** Nothing that was heard is of alice. */
function expectNothingOf({ outcomes, events }: Pick<Listener, 'outcomes' | 'events'>): void {
  for (const { channel } of [...outcomes, ...events]) {
    expect([userChannel(mallory.id), AUTHENTICATED, EVERYONE]).toContain(channel);
  }
  expect(JSON.stringify([outcomes, events])).not.toContain(SECRET);
}

function check<Value>(arbitrary: fc.Arbitrary<Value>, numRuns: number, attack: (value: Value) => Promise<void>) {
  return fc.assert(fc.asyncProperty(arbitrary, attack), { seed: SEED, numRuns });
}

describe('whatever cursors, channels and ids somebody makes up, nothing of others is given away:', () => {
  it('on sockets', async () => {
    const many = fc.array(foreignCursor(), { minLength: 1, maxLength: 5 });
    const everything: Listener[] = [];
    await check(many, 40, async (given) => {
      const listener = await mallory.connect(system.sockets[0]!, { cursors: given });
      everything.push(listener);
      expect(listener.session.userId).toBe(mallory.id);
      for (const cursor of given) {
        const answer = await reportDelivered(listener, cursor);
        expect(typeof answer.ok).toBe('boolean');
      }
    });
    // Whatever alice does is heard by nobody of them.
    const own = await alice.connect(system.sockets[0]!);
    await own.outcomeOf(await alice.createMessage(SECRET));
    const marker = await mallory.createMessage('marker');
    for (const listener of everything) {
      await listener.outcomeOf(marker);
      expectNothingOf(listener);
      listener.close();
    }
    expect((await alice.call('GET', '/v1/outcomes/unread')).body).toEqual({ unread: PAST + 1 });
  }, 60_000);

  it('on event streams', async () => {
    await check(foreignCursor(), 20, async (cursor) => {
      const after = cursor === '' ? {} : { after: cursor };
      const stream = await EventStream.open(system.sockets[0]!, { token: mallory.token, ...after });
      const marker = await mallory.createMessage('marker');
      const ids = (): string[] => stream.outcomes.map(({ data }) => (data.data as { id: string }).id);
      await eventually(() => expect(ids()).toContain(marker.id), { timeoutMs: 15_000 });
      for (const { data } of stream.outcomes) expect(data.channel).toBe(userChannel(mallory.id));
      expect(JSON.stringify(stream.events)).not.toContain(SECRET);
      stream.close();
    });
  }, 60_000);

  it('over REST', async () => {
    await check(foreignCursor(), 100, async (cursor) => {
      const path = `/v1/outcomes?after=${encodeURIComponent(cursor)}`;
      const { status, body } = await mallory.call('GET', path);
      expect([200, 400, 410]).toContain(status);
      expect(JSON.stringify(body)).not.toContain(SECRET);
      expect(JSON.stringify(body)).not.toContain('"channel":"user:alice"');
    });
    const paths = actions.flatMap(({ id, resource }) => [
      ['GET', `/v1/actions/${id}`],
      ['DELETE', `/v1/actions/${id}`],
      ['GET', `/v1/messages/${resource.id}`],
      ['GET', `/v1/messages/${id}`],
    ]);
    await check(fc.constantFrom(...paths), 20, async ([method, path]) => {
      const { status, body } = await mallory.call(method!, path!);
      expect([status, body]).toEqual([404, expect.objectContaining({ code: 'NOT_FOUND' })]);
    });
    const { body } = await mallory.call<{ data: unknown[] }>(
      'GET',
      `/v1/actions?resourceId=${actions[0]!.resource.id}`,
    );
    expect(body.data).toEqual([]);
  }, 60_000);
});
