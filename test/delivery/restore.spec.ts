import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, expect, it } from 'vitest';
import { CURSOR_BEGINNING, userChannel, type AcceptedAction } from '#contracts';
import { eventually, LedgerCheck, privatePostgres, startSystem, type System, type TestUser } from '#testing';
import { drills, submitAll } from '../processing/drills.ts';
import { EventStream } from './event-stream.ts';
import { makeUpEvents } from './made-up-events.ts';
import { heardAll, upTo } from './sequence.ts';

const HEAD = 10;
const DUMPED = 6;
const USERS = ['connected', 'busy', 'returning'];

let postgres: Awaited<ReturnType<typeof privatePostgres>>;
let system: System;
let ledger: LedgerCheck;

beforeAll(async () => {
  postgres = await privatePostgres();
  system = await startSystem({ sockets: 2, postgres, env: { POSITION_CHECK_MS: '1000' } });
  ledger = new LedgerCheck(system.database);
  for (const name of USERS) {
    const user = await system.user(name);
    const listener = await user.connect(system.sockets[0]!);
    await submitAll(user, drills(DUMPED));
    await heardAll(listener, DUMPED);
    listener.close();
  }
  await dump();
  return () => ledger.close();
}, 120_000);

const dataFolder = (): string => join(postgres.folder, 'data');
const dumpFolder = (): string => join(postgres.folder, 'dump');

/** With owners and permissions, without which Postgres would not start. */
function copy(from: string, to: string): Promise<unknown> {
  return promisify(execFile)('cp', ['-a', from, to]);
}

/** A backup of the whole server, as it is made of one that stands still. */
async function dump(): Promise<void> {
  await postgres.stop();
  await copy(dataFolder(), dumpFolder());
  await startPostgresAgain();
}

/** Brings the whole server back to the state of the dump, while the apps run. */
async function restore(): Promise<void> {
  await postgres.stop();
  await rm(dataFolder(), { recursive: true });
  await copy(dumpFolder(), dataFolder());
  await startPostgresAgain();
}

/** Processes of the one that was stopped may hold its memory for a moment, and let none start. */
async function startPostgresAgain(): Promise<void> {
  await eventually(() => postgres.start(), { everyMs: 200 });
  await eventually(() => ledger.unfinished(), { timeoutMs: 10_000 });
}

/** Brings a user from the state of the dump to the head. */
async function goOn(user: TestUser): Promise<void> {
  await submitSoon(user, HEAD - DUMPED);
}

/** The pools of the api may take a moment after a start of Postgres. */
function submitSoon(user: TestUser, count: number): Promise<AcceptedAction[]> {
  return eventually(() => submitAll(user, drills(count)), { timeoutMs: 10_000 });
}

/** From this offset on, the events of a channel are others. */
function replaceEvents(channel: string, first: number): Promise<unknown> {
  return ledger.query(
    `with others as (
      update events set id = uuidv7() where channel = $1 and "offset" >= $2 returning id, "offset"
    )
    update channels set head_check = (select right(id::text, 12) from others order by "offset" desc limit 1)
    where channel = $1`,
    [channel, first],
  );
}

it('a database restored from an older dump is noticed: who is connected is told, and hears all that is new', async () => {
  const user = await system.user('connected');
  const listeners = await Promise.all(system.sockets.map((socket) => user.connect(socket)));
  const stream = await EventStream.open(system.sockets[0]!, { token: user.token });
  await goOn(user);
  for (const listener of listeners) await eventually(() => expect(listener.offsets).toEqual(upTo(HEAD, DUMPED + 1)));
  await restore();
  for (const listener of listeners) {
    await eventually(() => expect(listener.sessions).toHaveLength(2), { timeoutMs: 15_000 });
    expect(listener.session).toMatchObject({
      recovered: false,
      reasons: { [userChannel(user.id)]: 'CURSOR_FUTURE' },
    });
  }
  await eventually(() => expect(stream.ended).toBe(true), { timeoutMs: 10_000 });
  const news = await submitSoon(user, HEAD);
  for (const listener of listeners) {
    await listener.outcomesOf(news);
    expect(listener.offsets.slice(HEAD - DUMPED)).toEqual(upTo(DUMPED + HEAD, DUMPED + 1));
    expect(listener.session.recovered).toBe(false);
  }
}, 60_000);

it('who is connected is told at once when new events take the numbers of those that are gone', async () => {
  const user = await system.user('busy');
  const listeners = await Promise.all(system.sockets.map((socket) => user.connect(socket)));
  await goOn(user);
  for (const listener of listeners) await eventually(() => expect(listener.offsets).toEqual(upTo(HEAD, DUMPED + 1)));
  await restore();
  const news = await submitSoon(user, HEAD);
  for (const listener of listeners) {
    await eventually(() => expect(listener.sessions.length).toBeGreaterThan(1), { timeoutMs: 10_000 });
    expect(listener.session).toMatchObject({ recovered: false });
  }
  // What it had missed by then is in the ledger, where who is told looks for it; nothing new is dropped as seen.
  await eventually(async () => {
    const { body } = await user.call<{ data: { data: { id: string } }[] }>('GET', '/v1/outcomes?after=0');
    expect(body.data.slice(DUMPED).map(({ data }) => data.id)).toEqual(news.map(({ id }) => id));
  });
  const last = await submitAll(user, drills(HEAD));
  for (const listener of listeners) {
    await listener.outcomesOf(last);
    expect(listener.offsets.slice(-HEAD)).toEqual(upTo(DUMPED + 2 * HEAD, DUMPED + HEAD + 1));
  }
}, 60_000);

it('who comes back later is told, whether the ledger has grown beyond its cursor again or not', async () => {
  const user = await system.user('returning');
  const before = await user.connect(system.sockets[0]!, { cursor: CURSOR_BEGINNING });
  await goOn(user);
  await heardAll(before, HEAD);
  before.close();
  const { cursor } = before.outcomes.at(-1)!;
  await restore();

  const early = await user.connect(system.sockets[0]!, { cursor });
  expect(early.session.reasons).toEqual({ [userChannel(user.id)]: 'CURSOR_FUTURE' });
  const news = await submitSoon(user, HEAD);
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
}, 60_000);

it('who is being replayed to when the ledger becomes another one is told, wherever the replay has come to', async () => {
  const events = 10_000;
  const user = await system.user('replayed');
  const channel = userChannel(user.id);
  await makeUpEvents(ledger, [channel], 1, events);
  const listener = await user.connect(system.sockets[0]!, { cursor: CURSOR_BEGINNING });
  await eventually(() => expect(listener.events.length).toBeGreaterThan(1_000), { timeoutMs: 10_000, everyMs: 1 });
  await replaceEvents(channel, 500);
  expect(listener.events.length).toBeLessThan(events);
  await eventually(() => expect(listener.sessions).toHaveLength(2), { timeoutMs: 10_000 });
  expect(listener.session).toMatchObject({ recovered: false, reasons: { [channel]: 'CURSOR_EPOCH' } });
}, 60_000);
