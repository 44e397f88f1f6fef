import { beforeAll, expect, it } from 'vitest';
import { userChannel } from '#contracts';
import { eventually, LedgerCheck, startSystem, type Listener, type System } from '#testing';
import { drills, submitAll } from '../processing/drills.ts';
import { EventStream } from './event-stream.ts';
import { heardAll, upTo } from './sequence.ts';

const HEAD = 10;
const DUMPED = 6;

let system: System;
let ledger: LedgerCheck;

beforeAll(async () => {
  system = await startSystem({ sockets: 2, env: { POSITION_CHECK_MS: '1000' } });
  ledger = new LedgerCheck(system.database);
  return () => ledger.close();
});

/** Brings the ledger of a user back to an older state, while everything runs. */
async function restore(userId: string, offset: number): Promise<void> {
  await ledger.query(
    `with gone as (delete from events where channel = $1 and "offset" > $2 returning action_id),
      actions as (delete from actions where id in (select action_id from gone))
     update channels set head = $2, head_check = (
       select right(id::text, 12) from events where channel = $1 and "offset" = $2
     ) where channel = $1`,
    [userChannel(userId), offset],
  );
}

/** What it heard in its present session. */
function sinceLastSession(listener: Listener, before: number): number[] {
  return listener.offsets.slice(before);
}

it('a database restored from an older dump is noticed: who is connected is told, and hears all that is new', async () => {
  const user = await system.user('connected');
  const listeners = await Promise.all(system.sockets.map((socket) => user.connect(socket)));
  const stream = await EventStream.open(system.sockets[0]!, { token: user.token });
  await submitAll(user, drills(HEAD));
  for (const listener of listeners) await heardAll(listener, HEAD);
  await restore(user.id, DUMPED);
  for (const listener of listeners) {
    await eventually(() => expect(listener.sessions).toHaveLength(2), { timeoutMs: 10_000 });
    expect(listener.session).toMatchObject({
      recovered: false,
      reasons: { [userChannel(user.id)]: 'CURSOR_FUTURE' },
    });
  }
  await eventually(() => expect(stream.ended).toBe(true), { timeoutMs: 10_000 });
  const news = await submitAll(user, drills(HEAD));
  for (const listener of listeners) {
    await listener.outcomesOf(news);
    expect(sinceLastSession(listener, HEAD)).toEqual(upTo(DUMPED + HEAD, DUMPED + 1));
    expect(listener.session.recovered).toBe(false);
  }
}, 40_000);

it('who is connected is told at once when new events take the numbers of those that are gone', async () => {
  const user = await system.user('busy');
  const listeners = await Promise.all(system.sockets.map((socket) => user.connect(socket)));
  await submitAll(user, drills(HEAD));
  for (const listener of listeners) await heardAll(listener, HEAD);
  await restore(user.id, DUMPED);
  const news = await submitAll(user, drills(HEAD));
  for (const listener of listeners) {
    await eventually(() => expect(listener.sessions.length).toBeGreaterThan(1), { timeoutMs: 10_000 });
    expect(listener.session).toMatchObject({ recovered: false });
  }
  // What it had missed by then is in the ledger, where who is told looks for it; nothing new is dropped as seen.
  const { body } = await user.call<{ data: { data: { id: string } }[] }>('GET', '/v1/outcomes?after=0');
  expect(body.data.slice(DUMPED).map(({ data }) => data.id)).toEqual(news.map(({ id }) => id));
  const last = await submitAll(user, drills(HEAD));
  for (const listener of listeners) {
    await listener.outcomesOf(last);
    expect(listener.offsets.slice(-HEAD)).toEqual(upTo(DUMPED + 2 * HEAD, DUMPED + HEAD + 1));
  }
}, 40_000);

it('who comes back later is told, whether the ledger has grown beyond its cursor again or not', async () => {
  const user = await system.user('returning');
  const before = await user.connect(system.sockets[0]!);
  await submitAll(user, drills(HEAD));
  await heardAll(before, HEAD);
  before.close();
  const { cursor } = before.outcomes.at(-1)!;
  await restore(user.id, DUMPED);

  const early = await user.connect(system.sockets[0]!, { cursor });
  expect(early.session.reasons).toEqual({ [userChannel(user.id)]: 'CURSOR_FUTURE' });
  const news = await submitAll(user, drills(HEAD));
  await early.outcomesOf(news);
  expect(early.offsets).toEqual(upTo(DUMPED + HEAD, DUMPED + 1));

  const late = await user.connect(system.sockets[1]!, { cursor });
  expect(late.session.reasons).toEqual({ [userChannel(user.id)]: 'CURSOR_EPOCH' });
  expect((await user.call('GET', `/v1/outcomes?after=${cursor}`)).status).toBe(410);
  const [action] = await submitAll(user, drills(1));
  await late.outcomeOf(action!);
  expect(late.offsets).toEqual([DUMPED + HEAD + 1]);

  // A cursor from before the dump is as good as ever.
  const older = await user.connect(system.sockets[1]!, { cursor: before.outcomes[3]!.cursor });
  expect(older.session.recovered).toBe(true);
  await older.outcomeOf(action!);
  expect(older.offsets).toEqual(upTo(DUMPED + HEAD + 1, 5));
}, 40_000);
