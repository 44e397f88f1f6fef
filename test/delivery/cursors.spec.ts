import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  CURSOR_BEGINNING,
  decodeCursor,
  encodeCursor,
  userChannel,
  type Cursor,
  type Envelope,
  type Problem,
} from '#contracts';
import {
  eventually,
  LedgerCheck,
  startSystem,
  type Listener,
  type StartedApp,
  type System,
  type TestUser,
} from '#testing';
import { drills, submitAll } from '../processing/drills.ts';
import { EventStream } from './event-stream.ts';
import { makeUpEvents } from './made-up-events.ts';
import { heardAll, upTo } from './sequence.ts';

const PAST = 10;
const UNKNOWN_CHECK = 'f0f0f0f0f0f0';

let system: System;
let ledger: LedgerCheck;
let socket: StartedApp;

beforeAll(async () => {
  system = await startSystem({ sockets: 1 });
  socket = system.sockets[0]!;
  ledger = new LedgerCheck(system.database);
  return () => ledger.close();
});

interface Past {
  user: TestUser;
  channel: string;
  /** Was there all the time. */
  live: Listener;
  /** Of the events, the oldest first. */
  cursors: string[];
}

/** A user of a test of its own, with some outcomes. */
async function newPast(id = `user-${randomUUID()}`): Promise<Past> {
  const user = await system.user(id);
  const live = await user.connect(socket);
  await submitAll(user, drills(PAST));
  await heardAll(live, PAST);
  return { user, channel: userChannel(user.id), live, cursors: live.outcomes.map(({ cursor }) => cursor) };
}

function forged(cursor: string, change: Partial<Cursor>): string {
  return encodeCursor({ ...decodeCursor(cursor)!, ...change });
}

/** Connects with cursors, lets something more happen, and gives what was heard. */
async function heardWith({ user }: Past, cursors: string[]): Promise<Listener> {
  const listener = await user.connect(socket, { cursors });
  const [action] = await submitAll(user, drills(1));
  await listener.outcomeOf(action!);
  return listener;
}

/** What the ledger does not retain any more. */
function prune(channel: string, upToOffset: number): Promise<unknown> {
  return ledger.query('delete from events where channel = $1 and "offset" <= $2', [channel, upToOffset]);
}

describe('a connection', () => {
  it('hears what followed its cursor, in order, then what happens', async () => {
    const past = await newPast();
    const listener = await heardWith(past, [past.cursors[3]!]);
    expect(listener.session).toMatchObject({ recovered: true });
    expect(listener.session).not.toHaveProperty('reasons');
    expect(listener.session.cursors).toContain(past.cursors[3]);
    expect(listener.offsets).toEqual(upTo(PAST + 1, 5));
    // The last one may have happened early enough to be read from the ledger with the others.
    const missed = listener.outcomes.slice(0, -1);
    expect(missed.filter(({ replayed }) => replayed).map(({ offset }) => offset)).toEqual(upTo(PAST, 5));
  });

  it('hears each event once when much happens during its replay', async () => {
    const past = await newPast();
    const submitting = submitAll(past.user, drills(300));
    const late = await Promise.all(past.cursors.map((cursor) => past.user.connect(socket, { cursor })));
    await submitting;
    await heardAll(past.live, PAST + 300);
    for (const [index, listener] of late.entries()) {
      await eventually(() => expect(listener.offsets.at(-1)).toBe(PAST + 300), { timeoutMs: 10_000 });
      expect(listener.offsets).toEqual(upTo(PAST + 300, index + 2));
    }
  });

  it('hears all that is retained from "0", and only news without a cursor', async () => {
    const past = await newPast();
    const listener = await heardWith(past, [CURSOR_BEGINNING]);
    expect(listener.session.recovered).toBe(true);
    expect(listener.offsets).toEqual(upTo(PAST + 1));
    expect((await heardWith(past, [])).offsets).toEqual([PAST + 2]);
    await prune(past.channel, 4);
    expect((await heardWith(past, [CURSOR_BEGINNING])).offsets).toEqual(upTo(PAST + 3, 5));
  });

  it('hears the outcome of what was submitted before it, from the cursor of the 202', async () => {
    const past = await newPast();
    const action = await past.user.createMessage('before');
    await past.live.outcomeOf(action);
    const listener = await heardWith(past, [action.cursor]);
    expect(listener.actionIds[0]).toBe(action.id);
    // Also as the very first of a channel.
    const newcomer = await system.user(`user-${randomUUID()}`);
    const first = await newcomer.createMessage('first');
    const late = await newcomer.connect(socket, { cursor: first.cursor });
    await late.outcomeOf(first);
    expect(late.session.recovered).toBe(true);
    expect(late.offsets).toEqual([1]);
  });

  it('is told when its cursor is too old, and hears what is retained', async () => {
    const past = await newPast();
    await prune(past.channel, 5);
    const listener = await heardWith(past, [past.cursors[2]!]);
    expect(listener.session).toMatchObject({ recovered: false, reasons: { [past.channel]: 'CURSOR_TOO_OLD' } });
    expect(listener.offsets).toEqual(upTo(PAST + 1, 6));
    // What follows this one is all there, though it is not itself.
    const edge = await heardWith(past, [past.cursors[4]!]);
    expect(edge.session.recovered).toBe(true);
    expect(edge.offsets).toEqual(upTo(PAST + 2, 6));
  });

  it('may come back with what its session said when nothing is retained', async () => {
    const past = await newPast();
    await prune(past.channel, PAST);
    for (const [cursor, reasons] of [
      [past.cursors[2]!, { [past.channel]: 'CURSOR_TOO_OLD' }],
      [CURSOR_BEGINNING, undefined],
    ] as const) {
      const listener = await past.user.connect(socket, { cursor });
      expect(listener.session.reasons).toEqual(reasons);
      const again = await past.user.connect(socket, { cursors: listener.session.cursors });
      expect(again.session).toMatchObject({ recovered: true, cursors: listener.session.cursors });
    }
  });

  it.each([
    ['of another epoch', 'CURSOR_EPOCH', { check: UNKNOWN_CHECK }],
    ['of an empty ledger of another epoch', 'CURSOR_EPOCH', { offset: 0, check: UNKNOWN_CHECK }],
    ['from the future', 'CURSOR_FUTURE', { offset: 1_000_000 }],
    ['from the farthest future', 'CURSOR_FUTURE', { offset: Number.MAX_SAFE_INTEGER }],
  ])('is told when its cursor is %s, and hears what happens from now on', async (_what, reason, change) => {
    const past = await newPast();
    const listener = await heardWith(past, [forged(past.cursors[4]!, change)]);
    expect(listener.session).toMatchObject({ recovered: false, reasons: { [past.channel]: reason } });
    expect(listener.offsets).toEqual([PAST + 1]);
  });

  it.each([
    ['garbage', 'no cursor at all'],
    ['nearly one', 'AAAA'],
    ['empty', ''],
    ['endless', 'A'.repeat(5_000)],
  ])('is told when its cursor is %s', async (_what, text) => {
    const past = await newPast();
    const listener = await heardWith(past, [text]);
    expect(listener.session).toMatchObject({ recovered: false, reasons: { [past.channel]: 'CURSOR_INVALID' } });
    expect(listener.offsets).toEqual([PAST + 1]);
  });

  it('is told when its cursor is of a foreign channel, and hears nothing of it', async () => {
    const [past, other] = [await newPast(), await newPast()];
    const listener = await heardWith(past, [other.cursors[0]!, past.cursors[7]!]);
    expect(listener.session).toMatchObject({ recovered: false, reasons: { [other.channel]: 'CURSOR_INVALID' } });
    expect(listener.offsets).toEqual(upTo(PAST + 1, 9));
    expect(listener.outcomes.every(({ channel }) => channel === past.channel)).toBe(true);
  });

  it.each(['__proto__', 'constructor', 'room:'])(
    'is told when its cursor is of %s, which is no channel',
    async (name) => {
      const past = await newPast();
      const { session } = await heardWith(past, [forged(past.cursors[0]!, { channel: name })]);
      expect(session.recovered).toBe(false);
      expect(Object.entries(session.reasons!)).toEqual([[name, 'CURSOR_INVALID']]);
    },
  );
});

describe('GET /v1/outcomes', () => {
  interface Page {
    data: Envelope[];
    next: string | null;
  }

  it('pages through what followed a cursor, up to what is heard on sockets', async () => {
    const past = await newPast();
    const pages: Envelope[] = [];
    for (let after: string | null = past.cursors[0]!; after !== null;) {
      const path: string = `/v1/outcomes?limit=4&after=${after}`;
      const { body } = await past.user.call<Page>('GET', path);
      pages.push(...body.data);
      after = body.next;
    }
    expect(pages).toEqual(past.live.outcomes.slice(1));
    const all = await past.user.call<Page>('GET', '/v1/outcomes?after=0');
    expect(all.body).toEqual({ data: past.live.outcomes, next: null });
  });

  it('refuses a cursor that it cannot honour', async () => {
    const [past, other] = [await newPast(), await newPast()];
    await prune(past.channel, 5);
    const refusals = new Map([
      ['garbage', [400, 'CURSOR_INVALID']],
      [other.cursors[0]!, [400, 'CURSOR_INVALID']],
      [forged(past.cursors[0]!, { offset: 1_000 }), [400, 'CURSOR_INVALID']],
      [forged(past.cursors[8]!, { check: UNKNOWN_CHECK }), [410, 'CURSOR_GONE']],
      [past.cursors[1]!, [410, 'CURSOR_GONE']],
    ]);
    for (const [cursor, refusal] of refusals) {
      const { status, body } = await past.user.call<Problem>('GET', `/v1/outcomes?after=${cursor}`);
      expect([status, body.code]).toEqual(refusal);
    }
  });
});

describe('an event stream', () => {
  it('replays from Last-Event-ID or ?after, then goes on live, with the cursors as ids', async () => {
    const past = await newPast();
    const { token } = past.user;
    const streams = [
      await EventStream.open(socket, { token, lastEventId: past.cursors[3]! }),
      await EventStream.open(socket, { token, after: past.cursors[3]! }),
      // Set by the browser when it comes back to the same URL: it counts.
      await EventStream.open(socket, { token, after: past.cursors[0]!, lastEventId: past.cursors[3]! }),
    ];
    await submitAll(past.user, drills(5));
    await heardAll(past.live, PAST + 5);
    for (const stream of streams) {
      await eventually(() => expect(stream.offsets.at(-1)).toBe(PAST + 5));
      expect(stream.session.recovered).toBe(true);
      expect(stream.offsets).toEqual(upTo(PAST + 5, 5));
      expect(stream.outcomes.map(({ id }) => id)).toEqual(past.live.outcomes.slice(4).map(({ cursor }) => cursor));
      stream.close();
    }
  });

  it('says why it cannot honour a cursor', async () => {
    const past = await newPast();
    const { token } = past.user;
    const stream = await EventStream.open(socket, { token, after: forged(past.cursors[0]!, { check: UNKNOWN_CHECK }) });
    expect(stream.session).toMatchObject({ recovered: false, reasons: { [past.channel]: 'CURSOR_EPOCH' } });
    stream.close();
  });
});

it('the cursors of a user of the longest name are as good as any', async () => {
  const past = await newPast(`${randomUUID()}${'用'.repeat(164)}`);
  const [first, , , last] = past.cursors as [string, string, string, string];
  const listener = await heardWith(past, [last]);
  expect(listener.session.recovered).toBe(true);
  expect(listener.offsets).toEqual(upTo(PAST + 1, 5));
  expect(await listener.socket.emitWithAck('delivered', { cursor: last })).toEqual({ ok: true });
  const page = await past.user.call<{ data: Envelope[] }>('GET', `/v1/outcomes?limit=1&after=${first}`);
  expect(page).toMatchObject({ status: 200, body: { data: [{ offset: 2 }] } });
  const stream = await EventStream.open(socket, { token: past.user.token, lastEventId: last });
  await eventually(() => expect(stream.offsets).toEqual(upTo(PAST + 1, 5)));
  stream.close();
});

it('5000 events are replayed in order, by a socket and a stream, while others hear of theirs', async () => {
  const away = await system.user('away');
  const other = await system.user('other');
  const live = await other.connect(socket);
  await makeUpEvents(ledger, [userChannel(away.id)], 1, 5_000);
  const listener = await away.connect(socket, { cursor: CURSOR_BEGINNING });
  const stream = await EventStream.open(socket, { token: away.token, after: CURSOR_BEGINNING });
  for (let index = 0; index < 5; index += 1) await live.outcomeOf(await other.createMessage('meanwhile'));
  await eventually(() => expect(listener.events).toHaveLength(5_000), { timeoutMs: 20_000 });
  await eventually(() => expect(stream.events).toHaveLength(5_001), { timeoutMs: 20_000 });
  expect(listener.events.map(({ offset }) => offset)).toEqual(upTo(5_000));
  expect(stream.events.slice(1).map(({ data }) => data.offset)).toEqual(upTo(5_000));
  stream.close();
}, 60_000);
