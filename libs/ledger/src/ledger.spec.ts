import { v4 as uuidv4, v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { decodeCursor, userChannel, type Envelope } from '#contracts';
import { Database, migrate } from '#database';
import { eventually, privatePostgres, testDatabase } from '#testing';
import { LedgerHistory } from './ledger-history.ts';
import { Ledger, type Ending, type NewAction } from './ledger.service.ts';
import { ledgerMigrations } from './migrations/index.ts';
import { acceptStatement } from './statements/accept.ts';
import { FinishedElsewhereError } from './statements/finish.ts';

let database: Database;
let history: LedgerHistory;
let ledger: Ledger;

const open = (url: string): Database => new Database({ url, poolSize: 20, applicationName: 'ledger.spec' });

async function migrateAt(url: string): Promise<void> {
  const migrating = open(url);
  await migrate(migrating, ledgerMigrations);
  await migrating.onApplicationShutdown();
}

beforeAll(async () => {
  const { url } = await testDatabase({ name: 'ledger.spec', migrate: migrateAt });
  database = open(url);
  history = new LedgerHistory(database);
  ledger = new Ledger(database, history);
});

afterAll(() => database.onApplicationShutdown());

const EMPTY = `
with a as (delete from actions), e as (delete from events), c as (delete from channels)
delete from idempotency_keys`;

/** Statements that wait for a lock. */
const WAITING = `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;

beforeEach(() => database.query(EMPTY));

function newAction(given: Partial<NewAction> = {}): NewAction {
  return {
    id: uuidv7(),
    owner: 'alice',
    type: 'messages.create',
    resourceId: uuidv4(),
    payload: { text: 'hello' },
    ttlSeconds: 60,
    ...given,
  };
}

function endingOf(action: NewAction, given: Partial<Ending> = {}): Ending {
  const row = {
    id: action.id,
    owner: action.owner,
    type: action.type,
    resource_id: action.resourceId,
    submitted_at: '2026-01-01T00:00:00.000Z',
    traceparent: action.traceparent ?? null,
  };
  return { row, status: 'succeeded', attempts: 1, response: '{"version":1}', error: null, ...given };
}

const finish = (endings: readonly Ending[]): Promise<Envelope[]> =>
  database.transaction((sql) => ledger.finish(sql, endings));

/** Accepts an action and ends it. */
async function applied(given: Partial<NewAction> = {}): Promise<Envelope> {
  const action = newAction(given);
  await ledger.accept([action]);
  return (await finish([endingOf(action)]))[0]!;
}

const statuses = async (): Promise<Record<string, string>> =>
  Object.fromEntries(
    (await database.query<{ id: string; status: string }>('select id, status from actions')).map((row) => [
      row.id,
      row.status,
    ]),
  );

describe('appending', () => {
  const event = (channel: string, number: number) => ({
    channel,
    type: 'it.happened',
    subject: 'it',
    data: { number },
  });

  it('gives offsets in the order given, after those of outcomes, and reads back what it returned', async () => {
    const action = newAction();
    await ledger.accept([action]);
    await database.transaction((sql) => ledger.finish(sql, [endingOf(action)]));
    const appended = await ledger.append([event('user:alice', 1), event('everyone', 2), event('user:alice', 3)]);
    expect(appended.map(({ channel, offset }) => [channel, offset])).toEqual([
      ['user:alice', 2],
      ['everyone', 1],
      ['user:alice', 3],
    ]);
    const [page] = await history.read([{ channel: 'user:alice', after: 1, limit: 10 }]);
    expect(page!.events).toEqual([appended[0], appended[2]]);
    expect(page!.head).toEqual(decodeCursor(appended[2]!.cursor));
  });
});

describe('Ledger.accept', () => {
  it('draws seq in the order of the input', async () => {
    const actions = Array.from({ length: 200 }, () => newAction());
    const shuffled = actions.toSorted(() => Math.random() - 0.5);
    await ledger.accept(shuffled);
    await ledger.accept([newAction({ id: '00000000-0000-7000-8000-000000000000' })]);
    const rows = await database.query<{ id: string }>('select id from actions order by seq');
    expect(rows.map(({ id }) => id)).toEqual([...shuffled.map(({ id }) => id), '00000000-0000-7000-8000-000000000000']);
  });

  it('draws seq in the order of the input, whichever way Postgres finds the positions of the owners', async () => {
    const owners = ['dave', 'alice', 'carol', 'bob'];
    for (const owner of owners) await applied({ owner });
    const actions = Array.from({ length: 40 }, (_, index) => newAction({ owner: owners[index % 4]! }));
    await database.transaction(async (sql) => {
      // What is left sorts by channel. Another text: what is prepared has its plan.
      await sql.query(`select set_config('enable_hashjoin', 'off', true), set_config('enable_nestloop', 'off', true)`);
      await acceptStatement({ queryThenFlush: (text, values) => sql.query(`${text} `, values) }, actions);
    });
    const rows = await database.query<{ id: string }>(`select id from actions where status = 'pending' order by seq`);
    expect(rows.map(({ id }) => id)).toEqual(actions.map(({ id }) => id));
  });

  it('keeps what is asked for, from now on until its time is over', async () => {
    const action = newAction({ ifMatch: 3, parentId: uuidv4(), traceparent: 'trace', ttlSeconds: 90 });
    await ledger.accept([action]);
    const rows = await database.query(
      `select owner, type, resource_id, parent_id, payload, if_match, traceparent,
         submitted_at between now() - interval '1 minute' and clock_timestamp() as "isNew",
         extract(epoch from expires_at - submitted_at)::integer as ttl
       from actions`,
    );
    const { owner, type, payload, resourceId: resource_id, parentId: parent_id } = action;
    const kept = { owner, type, resource_id, parent_id, payload, if_match: 3, traceparent: 'trace' };
    expect(rows).toEqual([{ ...kept, isNew: true, ttl: 90 }]);
  });

  it('answers the pending action with the position of its owner before the outcome', async () => {
    const { offset, id } = await applied();
    const action = newAction();
    const accepted = (await ledger.accept([action])).get(action.id)!;
    expect(accepted).toMatchObject({ id: action.id, status: 'pending', done: false, attempts: 0 });
    expect(accepted).not.toHaveProperty('response');
    expect(decodeCursor(accepted.cursor)).toEqual({ channel: 'user:alice', offset, check: id.slice(-12) });
  });

  it('gives an owner without events the epoch as position', async () => {
    const action = newAction({ owner: 'nobody yet' });
    const accepted = (await ledger.accept([action])).get(action.id)!;
    const [row] = await database.query<{ epoch: string }>('select epoch from ledger');
    expect(decodeCursor(accepted.cursor)).toEqual({ channel: userChannel('nobody yet'), offset: 0, check: row!.epoch });
  });

  it('gives a cursor from which the outcome can be read, however soon it comes', async () => {
    const action = newAction();
    const { cursor } = (await ledger.accept([action])).get(action.id)!;
    const [published] = await finish([endingOf(action)]);
    const { channel, offset: after, check } = decodeCursor(cursor)!;
    const [page] = await history.read([{ channel, after, check, limit: 10 }]);
    expect(page).toMatchObject({ events: [{ id: published!.id, data: { id: action.id } }] });
    expect(page).not.toHaveProperty('reason');
  });

  it('finds the position again that is before all which the action has told its owner, by a clock that is behind', async () => {
    await applied();
    const action = newAction();
    const { cursor } = (await ledger.accept([action])).get(action.id)!;
    const events = ['room:1', 'user:alice'].map((channel) => ({ channel, type: 'x.done', subject: 'x/1', data: {} }));
    await finish([endingOf(action, { events })]);
    await database.query(
      `update events set id = (left(uuidv7_at(now() - interval '23 hours')::text, 24) || right(id::text, 12))::uuid
       where action_id = $1 and data is null`,
      [action.id],
    );
    expect((await ledger.acceptedBefore([action])).get(action.id)!.cursor).toBe(cursor);
  });

  it('finds the position again when its answer was lost, also where the clock was ahead', async () => {
    const action = newAction({ id: uuidv7({ msecs: Date.now() + 3_600_000 }) });
    const { cursor } = (await ledger.accept([action])).get(action.id)!;
    await finish([endingOf(action)]);
    expect((await ledger.acceptedBefore([action])).get(action.id)!.cursor).toBe(cursor);
  });

  it('finds a position again that is before the outcome, whatever else the owner has been told by then', async () => {
    await applied();
    const action = newAction();
    const { cursor } = (await ledger.accept([action])).get(action.id)!;
    expect((await ledger.acceptedBefore([action])).get(action.id)!.cursor).toBe(cursor);
    const other = await applied();
    const [outcome] = await finish([endingOf(action)]);
    const again = (await ledger.acceptedBefore([action])).get(action.id)!;
    expect(again.cursor).toBe(other.cursor);
    const { channel, offset: after, check } = decodeCursor(again.cursor)!;
    const [page] = await history.read([{ channel, after, check, limit: 10 }]);
    expect(page).toMatchObject({ events: [{ id: outcome!.id }] });
    expect(page).not.toHaveProperty('reason');
  });

  it('accepts a key once, and recalls the first answer', async () => {
    const idempotency = { key: 'key-0001', fingerprint: 'print' };
    const [first, second] = [newAction({ idempotency }), newAction({ idempotency })];
    const accepted = (await ledger.accept([first])).get(first.id)!;
    await applied();
    expect(await ledger.accept([second])).toEqual(new Map());
    expect(Object.keys(await statuses())).not.toContain(second.id);
    const [recalled, unknown] = await ledger.recall([
      { owner: 'alice', key: 'key-0001' },
      { owner: 'bob', key: 'key-0001' },
    ]);
    expect(recalled).toMatchObject({ fingerprint: 'print', action: { id: first.id, status: 'pending' } });
    expect(recalled!.position).toEqual(decodeCursor(accepted.cursor));
    expect(unknown).toBeUndefined();
  });

  it('keeps the same key of two owners apart', async () => {
    const idempotency = { key: 'key-0001', fingerprint: 'print' };
    const actions = ['alice', 'bob'].map((owner) => newAction({ owner, idempotency }));
    expect([...(await ledger.accept(actions)).keys()].toSorted()).toEqual(actions.map(({ id }) => id).toSorted());
  });

  it('accepts one of those with one key in one call', async () => {
    const keys = ['key-0001', 'key-0002', 'key-0003'];
    const actions = [...keys, ...keys, ...keys].map((key) => newAction({ idempotency: { key, fingerprint: 'print' } }));
    const accepted = await ledger.accept(actions);
    const recalled = await ledger.recall(keys.map((key) => ({ owner: 'alice', key })));
    expect([...accepted.keys()].toSorted()).toEqual(recalled.map((known) => known!.action.id).toSorted());
    expect(Object.keys(await statuses()).toSorted()).toEqual([...accepted.keys()].toSorted());
  });

  it('gives a key to the first of those that bring it in one call', async () => {
    const keys = Array.from({ length: 5 }, (_, index) => `key-000${index}`);
    const actions = Array.from({ length: 200 }, (_, index) =>
      newAction({ idempotency: { key: keys[index % 5]!, fingerprint: `print ${index}` } }),
    );
    const accepted = await ledger.accept(actions);
    expect(new Set(accepted.keys())).toEqual(new Set(actions.slice(0, 5).map(({ id }) => id)));
  });

  it('takes keys in sorted order: who waits for one holds none that comes after it', async () => {
    const withKey = (key: string): NewAction => newAction({ idempotency: { key, fingerprint: 'print' } });
    const [first, both, other] = [withKey('key-a'), [withKey('key-c'), withKey('key-a')], withKey('key-c')];
    const waiting = await database.transaction(async (sql) => {
      await acceptStatement({ queryThenFlush: (text, values) => sql.query(text, values) }, [first]);
      const accepting = ledger.accept(both);
      await eventually(async () => expect(await database.query(WAITING)).toHaveLength(1));
      expect([...(await ledger.accept([other])).keys()]).toEqual([other.id]);
      return { accepting };
    });
    expect(await waiting.accepting).toEqual(new Map());
  });

  it('accepts a key once when many ask at the same time, and none waits for another in a circle', async () => {
    const keys = Array.from({ length: 30 }, (_, index) => `key-${index}-0001`);
    const results = await Promise.all(
      Array.from({ length: 10 }, () =>
        ledger.accept(
          keys
            .toSorted(() => Math.random() - 0.5)
            .map((key) => newAction({ idempotency: { key, fingerprint: 'print' } })),
        ),
      ),
    );
    expect(results.reduce((sum, { size }) => sum + size, 0)).toBe(30);
  });

  it('lets others see it before it is on the disk, and returns only then', async () => {
    const server = await privatePostgres();
    await migrateAt(server.url);
    const slow = open(server.url);
    // As a disk that takes its time: a commit waits for a standby that does not exist.
    const setStandby = async (name: string): Promise<void> => {
      await slow.query(`alter system set synchronous_standby_names = '${name}'`);
      await slow.query('select pg_reload_conf()');
      await eventually(async () => {
        expect(await slow.query('show synchronous_standby_names')).toEqual([{ synchronous_standby_names: name }]);
      });
    };
    try {
      await setStandby('nobody');
      const action = newAction();
      const visible = Promise.withResolvers<ReadonlySet<string>>();
      let isAnswered = false;
      const accepting = new Ledger(slow, new LedgerHistory(slow)).accept([action], visible.resolve);
      void accepting.finally(() => (isAnswered = true));
      expect([...(await visible.promise)]).toEqual([action.id]);
      expect(await slow.query('select id from actions')).toEqual([{ id: action.id }]);
      await eventually(async () => {
        expect(await slow.query(`select from pg_stat_activity where wait_event = 'SyncRep'`)).toHaveLength(1);
      });
      expect(isAnswered).toBe(false);
      await setStandby('');
      await accepting;
    } finally {
      await slow.onApplicationShutdown();
    }
  });

  it('has it on the disk when it returns: a server that dies at once still knows it', async () => {
    const server = await privatePostgres();
    await migrateAt(server.url);
    const doomed = open(server.url);
    try {
      const action = newAction();
      await new Ledger(doomed, new LedgerHistory(doomed)).accept([action]);
      await server.kill();
      await server.start();
      expect(await eventually(() => doomed.query('select id from actions'))).toEqual([{ id: action.id }]);
    } finally {
      await doomed.onApplicationShutdown();
    }
  });
});

describe('Ledger.finish', () => {
  it('ends the action and tells its owner, in what it publishes as in what is replayed', async () => {
    const action = newAction();
    await ledger.accept([action]);
    const events = [{ channel: 'room:1', type: 'message.created', subject: 'messages/1', data: { text: 'hello' } }];
    const ending = endingOf(action, { events });
    // As the ledger has it, which is how it is read.
    const [row] = await database.query<{ submitted_at: string }>('select submitted_at from actions');
    const published = await finish([{ ...ending, row: { ...ending.row, ...row } }]);
    expect(published).toMatchObject([
      { channel: 'room:1', offset: 1, type: 'message.created', data: { text: 'hello' } },
      { channel: 'user:alice', offset: 1, type: 'action.succeeded', subject: `messages/${action.resourceId}` },
    ]);
    const pages = await history.read(['room:1', 'user:alice'].map((channel) => ({ channel, after: 0, limit: 10 })));
    const replayed = pages.flatMap((page) => page.events);
    expect(replayed).toEqual(published);
    expect(await ledger.find('alice', action.id)).toMatchObject({ status: 'succeeded', response: { version: 1 } });
    expect(await ledger.find('bob', action.id)).toBeUndefined();
  });

  it('allots offsets in the order of the endings, per channel', async () => {
    const owners = ['alice', 'bob', 'alice', 'alice', 'bob'];
    const actions = owners.map((owner) => newAction({ owner }));
    await ledger.accept(actions);
    const published = await finish(actions.map((action) => endingOf(action)));
    expect(published.map(({ channel, offset }) => `${channel} ${offset}`)).toEqual([
      'user:alice 1',
      'user:bob 1',
      'user:alice 2',
      'user:alice 3',
      'user:bob 2',
    ]);
  });

  it('tells others nothing of the action by an event without data, neither at once nor in what is replayed', async () => {
    const action = newAction();
    await ledger.accept([action]);
    const event = { channel: 'everyone', type: 'message.touched', subject: 'messages/1', data: undefined };
    const [published] = await finish([endingOf(action, { events: [event, { ...event, data: () => 'nothing' }] })]);
    expect(published).toMatchObject({ type: 'message.touched', data: null });
    const [page] = await history.read([{ channel: 'everyone', after: 0, limit: 10 }]);
    expect(page!.events).toMatchObject([
      { type: 'message.touched', data: null },
      { type: 'message.touched', data: null },
    ]);
  });

  it('rolls everything back when one of the actions has an end already', async () => {
    const [ended, pending] = [newAction(), newAction({ owner: 'bob' })];
    await ledger.accept([ended, pending]);
    await finish([endingOf(ended)]);
    const both = finish([endingOf(pending), endingOf(ended, { status: 'failed' })]);
    await expect(both).rejects.toThrow(FinishedElsewhereError);
    expect(await statuses()).toEqual({ [ended.id]: 'succeeded', [pending.id]: 'pending' });
    expect(await history.heads(['user:alice', 'user:bob'])).toMatchObject([{ offset: 1 }, { offset: 0 }]);
    const [count] = await database.query<{ events: number }>('select count(*) as events from events');
    expect(count!.events).toBe(1);
  });

  it.each(['succeeded', 'failed', 'cancelled', 'expired'] as const)('leaves an action its end: %s', async (status) => {
    const action = newAction();
    await ledger.accept([action]);
    await finish([endingOf(action, { status })]);
    for (const other of ['succeeded', 'failed', 'cancelled', 'expired'] as const) {
      await expect(finish([endingOf(action, { status: other })])).rejects.toThrow(FinishedElsewhereError);
    }
    expect(await statuses()).toEqual({ [action.id]: status });
    expect(await history.heads(['user:alice'])).toMatchObject([{ offset: 1 }]);
  });

  it('lets exactly one of many that end an action at once win', async () => {
    const action = newAction();
    await ledger.accept([action]);
    const ends = ['succeeded', 'failed', 'cancelled', 'expired', 'succeeded'] as const;
    const results = await Promise.allSettled(ends.map((status) => finish([endingOf(action, { status })])));
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await history.heads(['user:alice'])).toMatchObject([{ offset: 1 }]);
  });

  it('keeps why an action failed, and nothing of its retries', async () => {
    const action = newAction();
    await ledger.accept([action]);
    await database.query('update actions set run_at = now()');
    const error = { code: 'NOT_FOUND', title: 'Not found', detail: 'nothing there' } as const;
    await finish([endingOf(action, { status: 'failed', response: null, error })]);
    expect(await ledger.find('alice', action.id)).toMatchObject({ status: 'failed', error });
    expect(await database.query('select run_at from actions')).toEqual([{ run_at: null }]);
  });

  it('takes actions in sorted order: who waits for one holds none that comes after it', async () => {
    const actions = [newAction(), newAction(), newAction()];
    await ledger.accept(actions);
    const [first, ...others] = actions.map(({ id }) => id);
    const waiting = await database.transaction(async (sql) => {
      await sql.query('select from actions where id = $1 for update', [first]);
      const finishing = finish(actions.toReversed().map((action) => endingOf(action)));
      await eventually(async () => expect(await database.query(WAITING)).toHaveLength(1));
      const free = await sql.query<{ id: string }>('select id from actions order by id for update skip locked');
      expect(free.map(({ id }) => id)).toEqual([first, ...others]);
      return { finishing };
    });
    expect(await waiting.finishing).toHaveLength(3);
  });

  it('leaves no hole, no double and no deadlock when 20 transactions share channels', async () => {
    const owners = ['alice', 'bob', 'carol', 'dave', 'eve'];
    const batches = Array.from({ length: 20 }, (_, batch) =>
      Array.from({ length: 10 }, (_unused, index) => {
        const action = newAction({ owner: owners[(batch * 3 + index * (batch % 4 ? 1 : 4)) % owners.length]! });
        const rooms = [`room:${(batch + index) % 7}`, `room:${(batch * 5 + 6 - index + 20) % 7}`];
        const events = rooms.map((channel) => ({ channel, type: 'x.done', subject: 'x/1', data: {} }));
        return { action, ending: endingOf(action, { events }) };
      }),
    );
    await ledger.accept(batches.flat().map(({ action }) => action));
    const published = await Promise.all(
      batches.map((batch, index) => finish((index % 2 ? batch : batch.toReversed()).map(({ ending }) => ending))),
    );
    const offsets = Map.groupBy(published.flat(), ({ channel }) => channel);
    expect(published.flat()).toHaveLength(600);
    for (const [channel, events] of offsets) {
      const expected = { channel, head: events.length, offsets: events.map((_, index) => index + 1) };
      const told = events.map(({ offset }) => offset).toSorted((one, other) => one - other);
      expect({ channel, head: told.length, offsets: told }).toEqual(expected);
      const [page] = await history.read([{ channel, after: 0, limit: 1_000 }]);
      const kept = page!.events.map(({ offset }) => offset);
      expect({ channel, head: page!.head.offset, offsets: kept }).toEqual(expected);
    }
  });

  it('takes channels in sorted order: who waits for one holds none that comes after it', async () => {
    const rooms = ['room:c', 'room:a', 'room:b'];
    const eventsIn = (channels: readonly string[]) =>
      channels.map((channel) => ({ channel, type: 'x.done', subject: 'x/1', data: {} }));
    const [before, after] = [newAction(), newAction()];
    await ledger.accept([before, after]);
    await finish([endingOf(before, { events: eventsIn(rooms) })]);
    const waiting = await database.transaction(async (sql) => {
      await sql.query(`select from channels where channel = 'room:a' for update`);
      const finishing = finish([endingOf(after, { events: eventsIn(rooms) })]);
      await eventually(async () => expect(await database.query(WAITING)).toHaveLength(1));
      const free = await sql.query('select channel from channels order by channel for update skip locked');
      expect(free.map(({ channel }) => channel)).toEqual([...rooms.toSorted(), 'user:alice']);
      return { finishing };
    });
    expect((await waiting.finishing).map(({ offset }) => offset)).toEqual([2, 2, 2, 2]);
  });

  it('appends in the order of commits: who comes later waits for who came first', async () => {
    const [first, second] = [newAction(), newAction()];
    await ledger.accept([first, second]);
    const later = Promise.withResolvers<Envelope[]>();
    const [mine] = await database.transaction(async (sql) => {
      const envelopes = await ledger.finish(sql, [endingOf(first)], { commits: false });
      finish([endingOf(second)]).then(later.resolve, later.reject);
      await eventually(async () => expect(await database.query(WAITING)).toHaveLength(1));
      expect(await history.heads(['user:alice'])).toMatchObject([{ offset: 0 }]);
      return envelopes;
    });
    expect([mine!.offset, (await later.promise)[0]!.offset]).toEqual([1, 2]);
  });
});

describe('what is finished', () => {
  it('is found by the ids of its actions, and the newest of their owners, whatever else is asked for', async () => {
    const [ended, pending] = [newAction(), newAction({ owner: 'bob' })];
    await applied({ owner: 'bob' });
    await ledger.accept([ended, pending]);
    await finish([endingOf(ended)]);
    const newest = await applied();
    const ids = [ended.id, pending.id, uuidv7()];
    expect((await ledger.findFinished(ids)).map(({ id }) => id)).toEqual([ended.id]);
    expect((await ledger.newestEventsOfOwners(ids)).map(({ id }) => id)).toEqual([newest.id]);
    expect(await ledger.newestEventsOfOwners([pending.id])).toEqual([]);
  });
});

describe('Ledger.list', () => {
  it('gives an owner their own actions, the newest first', async () => {
    const actions = [newAction(), newAction({ type: 'messages.delete' }), newAction({ owner: 'bob' }), newAction()];
    await ledger.accept(actions);
    const listed = await ledger.list('alice', { limit: 10 });
    expect(listed.map(({ id }) => id)).toEqual([actions[3]!.id, actions[1]!.id, actions[0]!.id]);
    const next = await ledger.list('alice', { limit: 1, before: actions[3]!.id, type: 'messages.create' });
    expect(next.map(({ id }) => id)).toEqual([actions[0]!.id]);
    await finish([endingOf(actions[0]!)]);
    const idsOf = async (filter: Partial<Parameters<typeof ledger.list>[1]>) =>
      (await ledger.list('alice', { limit: 10, ...filter })).map(({ id }) => id);
    expect(await idsOf({ status: 'succeeded' })).toEqual([actions[0]!.id]);
    expect(await idsOf({ resourceId: actions[1]!.resourceId })).toEqual([actions[1]!.id]);
  });
});

describe('the migrations of the ledger', () => {
  it('are applied once, from however many processes', async () => {
    const { url } = await testDatabase();
    const several = [open(url), open(url), open(url)];
    try {
      const applications = await Promise.all(several.map((each) => migrate(each, ledgerMigrations)));
      expect(applications.flat().toSorted()).toEqual(Object.keys(ledgerMigrations).toSorted());
      expect(await migrate(several[0]!, ledgerMigrations)).toEqual([]);
      const epochs = await several[0]!.query('select epoch from ledger');
      expect(epochs).toHaveLength(1);
    } finally {
      await Promise.all(several.map((each) => each.onApplicationShutdown()));
    }
  });
});
