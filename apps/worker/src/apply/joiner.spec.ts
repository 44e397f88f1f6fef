import { setImmediate as turn } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { from } from 'rxjs';
import { v4 as uuidv4, v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi, type Mock } from 'vitest';
import { ActionCatalogue } from '#actions';
import { ChannelsClient } from '#channels';
import { loadConfig, WorkerConfig } from '#config';
import type { Action, Envelope } from '#contracts';
import { Database, migrate, type Transaction } from '#database';
import {
  FinishedElsewhereError,
  Ledger,
  ledgerMigrations,
  startPerformingStatement,
  tryLockStatement,
  waitForLockStatement,
  type NewAction,
  type UnfinishedRow,
} from '#ledger';
import { TicketQueue, type TicketEntry } from '#queue';
import { PermanentError, reject, type Applied, type Resource, type Verb } from '#resources';
import { onCheckpoint } from '#telemetry';
import { eventually, testDatabase, testRedis } from '#testing';
import { TicketProcessor } from '../tickets/ticket.processor.ts';
import { WorkerMetrics } from '../worker.metrics.ts';
import { WorkerModule } from '../worker.module.ts';
import { ApplyService, type ApplyOptions, type ApplyResult } from './apply.service.ts';
import { FailureService } from './failure.service.ts';
import { HandlerError } from './handlers.ts';
import { Joiner } from './joiner.ts';
import { Performer } from './performer.ts';

Logger.overrideLogger(false);

interface Note {
  text: string;
}

/** Those that have met their conflict. */
const conflicted = new Set<string>();

/** Called while actions are being applied. */
let meanwhile: () => Promise<void> = () => Promise.resolve();

/** Writes down what it is given, and fails on demand. */
const write: Verb<Note> = {
  async apply(sql, actions): Promise<Applied[]> {
    await meanwhile();
    for (const { resourceId, payload } of actions) {
      await sql.query('insert into notes (resource, text) values ($1, $2)', [resourceId, payload.text]);
      if (payload.text === 'throw') throw new Error('not today');
      // Nobody should, but packages do: it has not even a toString().
      if (payload.text === 'odd') throw Object.create(null);
      if (payload.text === 'odd code') throw Object.assign(new Error('odd'), { code: Object.create(null) });
      if (payload.text === 'hopeless') throw new PermanentError('never');
      if (payload.text === 'hang') await new Promise(() => undefined);
      if (payload.text === 'elsewhere') throw Object.assign(new Error('connect'), { code: 'ECONNREFUSED' });
      if (payload.text === 'conflict' && !conflicted.has(resourceId)) {
        conflicted.add(resourceId);
        await sql.query(`do $$ begin raise 'as if by a deadlock' using errcode = 'deadlock_detected'; end $$`);
      }
      if (payload.text === 'bad row') await sql.query('insert into notes (resource) values ($1)', ['no uuid']);
    }
    return actions.flatMap(({ payload }): Applied | Applied[] => {
      if (payload.text === 'two answers') return [{ response: {} }, { response: {} }];
      if (payload.text === 'forbidden') return reject('FORBIDDEN');
      const events = [{ channel: 'room:a', type: 'noted', subject: 'notes/a', data: { n: 1n } }];
      return { response: { text: payload.text }, ...(payload.text === 'bad event' && { events }) };
    });
  },
};

/** Who performs waits at the gate of its text, if there is one. */
const gates = new Map<string, Promise<void>>();

/** By which they are told that their action is withdrawn. */
const signals = new Map<string, AbortSignal>();

/** The texts of what was performed, in its order. */
const performances: string[] = [];

/** Called while copies are being applied. */
let whileCopied: (texts: readonly string[]) => void = () => undefined;

/** Writes down what it has performed. */
const copy: Verb<Note> = {
  async perform({ payload: { text } }, { signal, attempt }): Promise<string> {
    signals.set(text, signal);
    performances.push(text);
    await gates.get(text);
    if (text === 'never' || (text === 'unlucky' && attempt === 1)) throw new Error('not today');
    if (text === 'hopeless') throw new PermanentError('never');
    return `copy of ${text}`;
  },
  async apply(sql, actions): Promise<Applied[]> {
    whileCopied(actions.map(({ payload: { text } }) => text));
    for (const { resourceId, performed } of actions)
      await sql.query('insert into notes (resource, text) values ($1, $2)', [resourceId, performed]);
    return actions.map(() => ({ response: {} }));
  },
};

const notes = {
  type: 'notes',
  create: write,
  edit: write,
  delete: write,
  verbs: { copy },
  migrations: {},
} as unknown as Resource;

type AddBlocked = (entry: TicketEntry) => Promise<boolean>;
type AddTickets = (name: string, entries: readonly TicketEntry[]) => Promise<boolean>;

interface WorkerUnderTest {
  module: TestingModule;
  joiner: Joiner;
  published: Envelope[];
  addTickets: Mock<AddTickets>;
  addBlocked: Mock<AddBlocked>;
  /** Resolves when Redis takes what is published. */
  redis: { taken: Promise<unknown> };
}

/** What is known of actions that have their ends. */
const SETTLED: ApplyResult = {
  envelopes: [],
  started: [],
  behind: new Map(),
  failed: [],
  apart: [],
  crowded: new Set(),
  blocked: [],
  more: [],
  leased: [],
  known: [],
  next: [],
  leasedAt: 0,
};

const environment = {
  DATABASE_URL: '',
  REDIS_URL: '',
  REDIS_PREFIX: '',
  NODE_ENV: 'test',
  LOG_LEVEL: 'silent',
  // No retry is due before a spec has looked.
  RETRY_BACKOFF_MS: '60000',
};
let database: Database;
let ledger: Ledger;
let one: WorkerUnderTest;
let other: WorkerUnderTest;

/** A worker that takes no tickets by itself: the spec hands them to its joiner. */
async function createWorker(settings: Record<string, string> = {}): Promise<WorkerUnderTest> {
  const published: Envelope[] = [];
  const redis = { taken: Promise.resolve<unknown>(undefined) };
  const addTickets = vi.fn<AddTickets>(() => Promise.resolve(true));
  const addBlocked = vi.fn<AddBlocked>(() => Promise.resolve(false));
  const emit = (_: string, envelope: Envelope) => from(redis.taken.then(() => published.push(envelope)));
  const module = await Test.createTestingModule({ imports: [WorkerModule] })
    .overrideProvider(WorkerConfig)
    .useValue(loadConfig(WorkerConfig, { ...environment, ...settings }))
    .overrideProvider(ActionCatalogue)
    .useValue(new ActionCatalogue([notes]))
    .overrideProvider(ChannelsClient)
    .useValue({ emit, isConnected: true })
    .overrideProvider(TicketQueue)
    .useValue({ add: addTickets, addSuspects: addTickets, addBlocked, isReady: true })
    // Its gauges are there once a process.
    .overrideProvider(WorkerMetrics)
    .useValue({})
    .overrideProvider(TicketProcessor)
    .useValue({})
    .compile();
  return { module, joiner: module.get(Joiner), published, addTickets, addBlocked, redis };
}

beforeAll(async () => {
  const redis = testRedis();
  const { url } = await testDatabase();
  Object.assign(environment, { DATABASE_URL: url, REDIS_URL: redis.url, REDIS_PREFIX: redis.prefix });
  [one, other] = [await createWorker(), await createWorker()];
  database = one.module.get(Database);
  ledger = one.module.get(Ledger, { strict: false });
  await migrate(database, ledgerMigrations);
  await database.query('create table notes (n serial, resource uuid not null, text text not null)');
});

afterAll(() => Promise.all([one.module.close(), other.module.close()]));

beforeEach(async () => {
  await database.query('delete from notes');
  gates.clear();
  performances.length = 0;
  whileCopied = () => undefined;
  for (const { published, addTickets, addBlocked } of [one, other]) {
    published.length = 0;
    addTickets.mockClear();
    addBlocked.mockClear();
  }
});

/** Accepts actions: one for each text, each on a resource of its own unless one is given. */
async function accepted(texts: readonly string[], given: Partial<NewAction> = {}) {
  const actions = texts.map((text): NewAction => ({
    id: uuidv7(),
    owner: uuidv4(),
    type: 'notes.create',
    resourceId: uuidv4(),
    payload: { text },
    ttlSeconds: 60,
    ...given,
  }));
  await ledger.accept(actions);
  const entries = actions.map(({ id, resourceId }): TicketEntry => [id, resourceId]);
  const found = async (): Promise<Action[]> =>
    Promise.all(actions.map(async ({ owner, id }) => (await ledger.find(owner, id))!));
  return { actions, entries, found };
}

const written = async (): Promise<string[]> =>
  (await database.query<{ text: string }>('select text from notes order by n')).map(({ text }) => text);

/** How often a note was inserted, those that were rolled back included. */
async function applications(): Promise<number> {
  const [row] = await database.query<{ last: number }>('select last_value as last from notes_n_seq');
  return row!.last;
}

const outcomes = ({ published }: WorkerUnderTest): string[] =>
  published.map(({ data }) => (data as Action).id).toSorted();

describe('Joiner', () => {
  it('applies the tickets of one moment in one transaction, and publishes each outcome once', async () => {
    const { entries, found } = await accepted(Array.from({ length: 100 }, (_, index) => `note ${index}`));
    await Promise.all(entries.map((entry) => one.joiner.run([entry])));
    expect(new Set((await found()).map(({ status }) => status))).toEqual(new Set(['succeeded']));
    const transactions = await database.query('select distinct xmin::text from notes');
    expect(transactions).toHaveLength(1);
    expect(outcomes(one)).toEqual(entries.map(([id]) => id).toSorted());
  });

  it('applies in several transactions what is too much for one', async () => {
    const apply = vi.spyOn(one.module.get(ApplyService), 'apply').mockResolvedValue(SETTLED);
    const entries = Array.from({ length: 1_100 }, (): TicketEntry => [uuidv7(), uuidv4()]);
    await one.joiner.run(entries);
    expect(apply.mock.calls.map(([{ length }]) => length)).toEqual([500, 500, 100]);
    expect(apply.mock.calls.flatMap(([of]) => of)).toEqual(entries);
    apply.mockRestore();
  });

  it('has two transactions under way at once: what comes meanwhile gathers, for the second a moment only', async () => {
    const applying: (() => void)[] = [];
    const apply = vi.spyOn(one.module.get(ApplyService), 'apply').mockImplementation(async () => {
      await new Promise<void>((resolve) => applying.push(resolve));
      return SETTLED;
    });
    const clock = vi.spyOn(performance, 'now').mockReturnValue(1_000_000);
    const runs: Promise<void>[] = [];
    const come = async (): Promise<number[]> => {
      runs.push(one.joiner.run([[uuidv7(), uuidv4()]]));
      for (let count = 0; count < 100; count += 1) await turn();
      return apply.mock.calls.map(([{ length }]) => length);
    };
    expect([await come(), await come(), await come()]).toEqual([[1], [1], [1]]);
    clock.mockReturnValue(1_000_006);
    await eventually(() => expect(apply.mock.calls.map(([{ length }]) => length)).toEqual([1, 2]));
    clock.mockReturnValue(2_000_000);
    expect([await come(), await come()]).toEqual([
      [1, 2],
      [1, 2],
    ]);
    applying[0]!();
    await eventually(() => expect(apply.mock.calls.map(([{ length }]) => length)).toEqual([1, 2, 2]));
    for (const end of applying) end();
    await Promise.all(runs);
    clock.mockRestore();
    apply.mockRestore();
  });

  it('waits while Postgres is away, and applies what it has together then', async () => {
    const { entries, found } = await accepted(['first', 'second', 'third']);
    const away = Object.assign(new Error('connect'), { code: 'ECONNREFUSED' });
    const apply = vi.spyOn(one.module.get(ApplyService), 'apply').mockRejectedValueOnce(away);
    await one.joiner.run(entries);
    expect((await found()).map(({ status, attempts }) => `${status} ${attempts}`)).toEqual(
      entries.map(() => 'succeeded 1'),
    );
    expect(apply.mock.calls.map(([of]) => of)).toEqual([entries, entries]);
    apply.mockRestore();
  });

  it('applies the actions of one resource in the order they were accepted, however their tickets come', async () => {
    const { entries } = await accepted(['first', 'second', 'third'], { resourceId: uuidv4(), owner: 'alice' });
    await Promise.all(entries.toReversed().map((entry) => one.joiner.run([entry])));
    expect(await written()).toEqual(['first', 'second', 'third']);
  });

  it('ends each action once when two workers have its ticket at the same time', async () => {
    const { entries, actions, found } = await accepted(Array.from({ length: 60 }, (_, index) => `note ${index}`));
    await Promise.all([one.joiner.run(entries), other.joiner.run(entries.toReversed())]);
    expect((await found()).map(({ status }) => status)).toEqual(actions.map(() => 'succeeded'));
    expect((await written()).toSorted()).toEqual(actions.map(({ payload }) => (payload as Note).text).toSorted());
    const events = await database.query('select from events where action_id = any($1)', [actions.map(({ id }) => id)]);
    expect(events).toHaveLength(actions.length);
  });

  it('is done with a ticket when its outcome is published, and not before', async () => {
    const { entries, found } = await accepted(['note']);
    const taken = Promise.withResolvers<void>();
    one.redis.taken = taken.promise;
    let isDone = false;
    const run = one.joiner.run(entries).finally(() => (isDone = true));
    await eventually(async () => expect(await found()).toMatchObject([{ status: 'succeeded' }]));
    // Time enough to be done with it, for who does not wait.
    for (let count = 0; count < 100; count += 1) await turn();
    expect([isDone, one.published]).toEqual([false, []]);
    taken.resolve();
    await run;
    expect(outcomes(one)).toEqual(entries.map(([id]) => id));
  });

  it('publishes again what had an end before its ticket was done', async () => {
    const { entries } = await accepted(['note']);
    await one.joiner.run(entries);
    await other.joiner.run(entries);
    expect(other.published).toEqual(one.published);
    expect(await written()).toEqual(['note']);
  });

  it.each(['throw', 'hopeless', 'bad row', 'elsewhere', 'bad event'])(
    'does not let the neighbours pay for an action with "%s"',
    async (text) => {
      const { entries, found } = await accepted(['before', text, 'after']);
      await one.joiner.run(entries);
      const [before, , after] = await found();
      expect([before!.status, after!.status]).toEqual(['succeeded', 'succeeded']);
      expect((await written()).toSorted()).toEqual(['after', 'before']);
    },
  );

  it.each(['named', 'behind'])('does not let the neighbours pay for an action that hangs, %s', async (where) => {
    const hasty = await createWorker({ APPLY_TIMEOUT_MS: '500' });
    const others = await accepted(['first', 'second']);
    const [[, resourceId]] = others.entries as [TicketEntry];
    const hanging = await accepted(['hang'], where === 'behind' ? { resourceId } : {});
    await hasty.joiner.run([...others.entries, ...(where === 'named' ? hanging.entries : [])]);
    expect((await others.found()).map(({ status, attempts }) => [status, attempts])).toEqual([
      ['succeeded', 1],
      ['succeeded', 1],
    ]);
    expect(await hanging.found()).toMatchObject([{ status: 'pending', attempts: 1 }]);
    expect(hasty.addTickets.mock.calls.map(([, tickets]) => tickets)).toEqual([hanging.entries]);
    await hasty.module.close();
  });

  it.each([
    ['throws', 'throw'],
    ['throws what is no error, and no text', 'odd'],
    ['throws an error whose code is no text', 'odd code'],
    ['meets another service that is away', 'elsewhere'],
    ['has an event that cannot be encoded', 'bad event'],
    ['gives more answers than it was asked for', 'two answers'],
  ])('puts an action whose handler %s back for a retry with a ticket of its own', async (_, text) => {
    const { entries, found } = await accepted([text]);
    await one.joiner.run(entries);
    expect(await found()).toMatchObject([{ status: 'pending', done: false, attempts: 1 }]);
    expect(one.published).toEqual([]);
    expect(one.addTickets.mock.calls.map(([, tickets]) => tickets)).toEqual([entries]);
  });

  it('fails an action for good when it has had its last attempt', async () => {
    const impatient = await createWorker({ MAX_ATTEMPTS: '1' });
    const { entries, found } = await accepted(['throw']);
    await impatient.joiner.run(entries);
    expect(await found()).toMatchObject([{ status: 'failed', error: { code: 'ATTEMPTS_EXHAUSTED' }, attempts: 1 }]);
    expect(impatient.addTickets).not.toHaveBeenCalled();
    await impatient.module.close();
  });

  it.each(['hopeless', 'bad row'])('fails an action at once that no retry can help: "%s"', async (text) => {
    const { entries, found } = await accepted([text]);
    await one.joiner.run(entries);
    expect(await found()).toMatchObject([{ status: 'failed', error: { code: 'HANDLER_FAILED' }, attempts: 1 }]);
    // It may be published more than once: receivers drop what they have by offset.
    expect(new Set(one.published.map(({ type, offset }) => `${type} ${offset}`))).toEqual(new Set(['action.failed 1']));
    expect(one.addTickets).not.toHaveBeenCalled();
  });

  it.each(['twice', 'beside one that has its end', 'alone'])(
    'counts an attempt of an action whose event cannot be encoded, named %s',
    async (how) => {
      const before = await accepted(['before']);
      await one.joiner.run(before.entries);
      const { entries, found } = await accepted(['bad event']);
      const others = { twice: entries, 'beside one that has its end': before.entries, alone: [] }[how]!;
      await one.joiner.run([...entries, ...others]);
      expect(await found()).toMatchObject([{ status: 'pending', attempts: 1 }]);
    },
  );

  it.each([['alone', ['conflict']] as const, ['beside others', ['before', 'conflict', 'after']] as const])(
    'applies again what met a conflict, and counts no attempt for that, %s',
    async (_, texts) => {
      const { entries, found } = await accepted(texts);
      await one.joiner.run(entries);
      const ends = (await found()).map(({ status, attempts }) => [status, attempts]);
      expect(ends).toEqual(texts.map(() => ['succeeded', 1]));
      expect(new Set(await written())).toEqual(new Set<string>(texts));
      expect(one.addTickets).not.toHaveBeenCalled();
    },
  );

  it.each([
    ['meets one again', Object.assign(new Error('deadlock detected'), { code: '40P01' })],
    ['is late for another one', new FinishedElsewhereError()],
  ])('counts no attempt where an action runs alone after a conflict, and %s at its end', async (_, error) => {
    const { entries, found } = await accepted(['note']);
    const conflict = Object.assign(new Error('deadlock detected'), { code: '40P01' });
    const finish = vi.spyOn(ledger, 'finish').mockRejectedValueOnce(conflict).mockRejectedValueOnce(error);
    await one.joiner.run(entries).finally(() => finish.mockRestore());
    expect(await found()).toMatchObject([{ status: 'succeeded', attempts: 1 }]);
    expect(one.addTickets).not.toHaveBeenCalled();
  });

  it('takes those that fail out of a batch, and applies the others together, each once', async () => {
    const texts = Array.from({ length: 60 }, (_, index) =>
      index % 20 === 7 ? 'hopeless' : index % 20 === 13 ? 'bad row' : `note ${index}`,
    );
    const { entries, found } = await accepted(texts);
    await Promise.all(entries.map((entry) => one.joiner.run([entry])));
    const statuses = (await found()).map(({ status }) => status);
    expect(statuses).toEqual(texts.map((text) => (text.startsWith('note') ? 'succeeded' : 'failed')));
    expect((await written()).toSorted()).toEqual(texts.filter((text) => text.startsWith('note')).toSorted());
    const transactions = await database.query('select distinct xmin::text from notes');
    // In savepoints each part has a number of its own, but none of them was written twice.
    expect(transactions.length).toBeLessThan(30);
    expect(new Set(outcomes(one)).size).toBe(60);
  });

  it('finds the one that fails among those which follow the named one on its resource, at once', async () => {
    const texts = Array.from({ length: 20 }, (_, index) => (index === 12 ? 'hopeless' : `note ${index}`));
    const { entries, found } = await accepted(texts, { resourceId: uuidv4(), owner: 'alice' });
    await one.joiner.run(entries.slice(0, 1));
    const statuses = (await found()).map(({ status }) => status);
    expect(statuses).toEqual(texts.map((text) => (text === 'hopeless' ? 'failed' : 'succeeded')));
    expect(await written()).toEqual(texts.filter((text) => text !== 'hopeless'));
    // Each note was inserted once or twice, not once for each of those before it.
    const [row] = await database.query<{ last: number }>('select max(n) - min(n) as last from notes');
    expect(row!.last).toBeLessThan(3 * texts.length);
  });

  it('runs nothing behind an action that is put back for a retry, which goes on with it', async () => {
    const resourceId = uuidv4();
    const { entries, found } = await accepted(['before', 'throw', 'behind'], { resourceId, owner: 'alice' });
    const stranger = await accepted(['stranger']);
    await one.joiner.run([entries[0]!, ...stranger.entries]);
    expect((await found()).map(({ status }) => status)).toEqual(['succeeded', 'pending', 'pending']);
    expect((await written()).toSorted()).toEqual(['before', 'stranger']);
    expect(one.addTickets.mock.calls.map(([, tickets]) => tickets)).toEqual([[entries[1]]]);
  });

  it('applies an action that has failed before apart from others, and then those behind it', async () => {
    const { entries, found } = await accepted(['retried', 'behind'], { resourceId: uuidv4(), owner: 'alice' });
    await database.query('update actions set attempts = 1 where id = $1', [entries[0]![0]]);
    const stranger = await accepted(['stranger']);
    await one.joiner.run([entries[0]!, ...stranger.entries]);
    expect((await found()).map(({ status, attempts }) => [status, attempts])).toEqual([
      ['succeeded', 2],
      ['succeeded', 1],
    ]);
    expect((await written()).filter((text) => text !== 'stranger')).toEqual(['retried', 'behind']);
    expect(await database.query('select distinct xmin::text from notes')).toHaveLength(3);
  });

  it('goes on behind an action that ran apart, also where one further back waits for its retry', async () => {
    const { entries, found } = await accepted(['retried', 'behind', 'last'], { resourceId: uuidv4(), owner: 'alice' });
    await database.query('update actions set attempts = 1 where id = $1', [entries[0]![0]]);
    await database.query(`update actions set run_at = now() + interval '1 minute' where id = $1`, [entries[2]![0]]);
    await one.joiner.run(entries.slice(0, 1));
    expect((await found()).map(({ status }) => status)).toEqual(['succeeded', 'succeeded', 'pending']);
  });

  it('is done with a ticket when what waits behind its action has one', async () => {
    const [resourceId, parentId] = [uuidv4(), uuidv4()];
    const { entries } = await accepted(['named'], { resourceId });
    const parent = await accepted(['parent'], { resourceId: parentId, owner: 'alice' });
    const child = await accepted(['child'], { resourceId, parentId, owner: 'alice' });
    const behind = [child.entries[0]![0], resourceId, parentId];
    one.addBlocked.mockResolvedValueOnce(true);
    await one.joiner.run(entries);
    expect(one.addBlocked.mock.calls.map(([entry]) => entry)).toEqual([behind]);
    await one.joiner.run(parent.entries);
    await one.joiner.run([behind as unknown as TicketEntry]);
    expect(await written()).toEqual(['named', 'parent', 'child']);
  });

  it('keeps what it has performed for as long as somebody else has the resource', async () => {
    const { entries, found } = await accepted(['long'], { type: 'notes.copy' });
    const gate = Promise.withResolvers<void>();
    gates.set('long', gate.promise);
    const run = one.joiner.run(entries);
    await eventually(async () => expect(await found()).toMatchObject([{ status: 'running' }]));
    await database.transaction(async (sql) => {
      await tryLockStatement(sql, [entries[0]![1]], []);
      gate.resolve();
      // In the end it waits for the lock, and that is in vain, too.
      const waits = `select from pg_stat_activity where datname = current_database() and wait_event = 'advisory'`;
      await eventually(async () => expect(await database.query(waits)).toHaveLength(1));
      await eventually(async () => expect(await database.query(waits)).toEqual([]));
    });
    await run;
    expect(await found()).toMatchObject([{ status: 'succeeded' }]);
    expect(await written()).toEqual(['copy of long']);
    expect(one.addBlocked).not.toHaveBeenCalled();
  });

  it('tells who performs that the action has its end, and nobody who has succeeded', async () => {
    const done = await accepted(['done'], { type: 'notes.copy' });
    await one.joiner.run(done.entries);
    const cancelled = await accepted(['cancelled'], { type: 'notes.copy' });
    gates.set('cancelled', new Promise(() => undefined));
    const run = one.joiner.run(cancelled.entries);
    await eventually(async () => expect(await cancelled.found()).toMatchObject([{ status: 'running' }]));
    const [{ id, owner, type, resourceId }] = cancelled.actions as [NewAction];
    const row = { id, owner, type, resource_id: resourceId, submitted_at: new Date().toISOString(), traceparent: null };
    const ending = { row, status: 'cancelled', attempts: 0, response: null, error: null } as const;
    await database.transaction((sql) => ledger.finish(sql, [ending]));
    await run;
    expect(signals.get('cancelled')!.reason).toMatchObject({ name: 'AbortError' });
    expect(signals.get('done')!.aborted).toBe(false);
    expect(await written()).toEqual(['copy of done']);
  });

  it.each(['once', 'and again'])('gets its turn on a resource that others share all the time, %s', async () => {
    const { entries, found } = await accepted(['note']);
    const [[, resource]] = entries as [TicketEntry];
    // As messages share their room: the next one has it before the last one has left.
    const share = async () => {
      const [tried, left] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      const transaction = database.transaction(async (sql) => {
        await tryLockStatement(sql, [], [resource]);
        tried.resolve();
        await left.promise;
      });
      await tried.promise;
      return { leave: () => (left.resolve(), transaction) };
    };
    let sharer = await share();
    const over = new AbortController();
    const run = one.joiner.run(entries).finally(() => over.abort());
    while (!over.signal.aborted) {
      const next = await share();
      await sharer.leave();
      sharer = next;
    }
    await Promise.all([sharer.leave(), run]);
    expect((await found()).map(({ status }) => status)).toEqual(['succeeded']);
  });

  it('performs an action that waited for room, whatever its ticket has performed before', async () => {
    const narrow = await createWorker({ WORKER_CONCURRENCY: '1', PERFORM_CONCURRENCY: '1' });
    const given = { owner: 'alice', type: 'notes.copy', resourceId: uuidv4() };
    const gate = Promise.withResolvers<void>();
    gates.set('first', gate.promise);
    const first = await accepted(['first'], given);
    const stranger = await accepted(['stranger'], { type: 'notes.copy' });
    const second = await accepted(['second'], given);
    const runs = [narrow.joiner.run(first.entries)];
    await eventually(async () => expect(await first.found()).toMatchObject([{ status: 'running' }]));
    // In the transaction that applies the first, the stranger takes its place.
    gate.resolve();
    runs.push(narrow.joiner.run(stranger.entries));
    await Promise.all(runs);
    await eventually(async () => expect(await second.found()).toMatchObject([{ status: 'succeeded' }]));
    expect((await written()).toSorted()).toEqual(['copy of first', 'copy of second', 'copy of stranger']);
    await narrow.module.close();
  });

  it('asks for a ticket soon for an action that waits for room, and for no lock', async () => {
    const narrow = await createWorker({ WORKER_CONCURRENCY: '2', PERFORM_CONCURRENCY: '1' });
    const apply = vi.spyOn(narrow.module.get(ApplyService), 'apply');
    const gate = Promise.withResolvers<void>();
    gates.set('first', gate.promise);
    const [first, second] = [
      await accepted(['first'], { type: 'notes.copy' }),
      await accepted(['second'], { type: 'notes.copy' }),
    ];
    const run = narrow.joiner.run(first.entries);
    await eventually(() => expect(performances).toEqual(['first']));
    // At first Redis does not take it.
    narrow.addBlocked.mockResolvedValueOnce(false).mockResolvedValueOnce(true);
    await narrow.joiner.run(second.entries, 2);
    // It was started once before, and has started nothing now.
    expect(narrow.addBlocked.mock.calls).toEqual([1, 2].map(() => [second.entries[0], 1]));
    expect(apply.mock.calls.filter(([, options]) => options?.waitsForLock)).toEqual([]);
    gate.resolve();
    await run;
    await narrow.module.close();
  });

  it('has a ticket for the end of the lease of whoever performs it, before its own is done', async () => {
    const { entries, found } = await accepted(['note'], { type: 'notes.copy' });
    await startPerformingStatement(
      database,
      entries.map(([id]) => id),
      60_000,
    );
    // At first Redis does not take it.
    one.addTickets.mockResolvedValueOnce(false);
    await one.joiner.run(entries, 2);
    expect(await found()).toMatchObject([{ status: 'running' }]);
    const ticket = ['leased', entries, { delayMs: 5_000, starts: 1 }];
    expect(one.addTickets.mock.calls).toEqual([ticket, ticket]);
  });

  it.each(['notes.create', 'notes.copy'])(
    'waits for its retry, or the end of a lease, with a ticket that came a little early: %s',
    async (type) => {
      const { entries, found } = await accepted(['note'], { type });
      const status = type === 'notes.copy' ? 'running' : 'pending';
      await database.query(
        `update actions set status = $2::action_status, run_at = clock_timestamp() + interval '300 ms' where id = $1`,
        [entries[0]![0], status],
      );
      await one.joiner.run(entries);
      expect(await found()).toMatchObject([{ status: 'succeeded', attempts: 1 }]);
      expect(one.addTickets).not.toHaveBeenCalled();
    },
  );

  it('is taken with many others of its resource, with few beside other resources, and with all performed', async () => {
    const applier = one.module.get(ApplyService);
    const onOne = (count: number, given: Partial<NewAction> = {}) =>
      accepted(
        Array.from({ length: count }, () => 'note'),
        { owner: 'alice', resourceId: uuidv4(), ...given },
      );
    const single = await onOne(20);
    await applier.apply(single.entries.slice(0, 1));
    expect(await written()).toHaveLength(20);
    const several = await Promise.all([onOne(20), onOne(20), onOne(20)]);
    const { next } = await applier.apply(several.map(({ entries }) => entries[0]!));
    expect([(await written()).length, next.length]).toEqual([20 + 3 * 4, 3]);
    const copies = await Promise.all([1, 2, 3].map(() => onOne(12, { type: 'notes.copy' })));
    const entries = copies.flatMap((copied) => copied.entries.slice(0, 8));
    const performed = new Map(entries.map(([id]) => [id, 'copy']));
    const { started } = await applier.apply(entries, { performed });
    expect([(await written()).length, started.length]).toEqual([20 + 3 * 4 + 3 * 8, 3 * 2]);
  });

  it.each([
    ['has no room to perform', 'notes.copy'],
    ['has no handler here', 'unheard.of'],
  ])('waits behind one that %s', async (_, type) => {
    const given = { owner: 'alice', resourceId: uuidv4() };
    const [first, second] = [await accepted(['first'], { ...given, type }), await accepted(['second'], given)];
    const entries = [...first.entries, ...second.entries];
    const result = await one.module.get(ApplyService).apply(entries, { startable: 0 });
    expect(result).toMatchObject({ started: [], blocked: entries, failed: [] });
    expect(await written()).toEqual([]);
  });

  it('starts to perform as many as there is room for', async () => {
    const { entries, found } = await accepted(['first', 'second', 'third'], { type: 'notes.copy' });
    const result = await one.module.get(ApplyService).apply(entries, { startable: 2 });
    expect(result.started.map(({ id }) => id)).toEqual(entries.slice(0, 2).map(([id]) => id));
    expect([[...result.crowded], result.blocked]).toEqual([[entries[2]![1]], entries.slice(2)]);
    expect((await found()).map(({ status }) => status)).toEqual(['running', 'running', 'pending']);
  });

  it('has the attempt that was recorded before it started, be it the last', async () => {
    const { entries, found } = await accepted(['note']);
    const [[only]] = entries as [TicketEntry];
    await database.query('update actions set attempts = 1000 where id = $1', [only]);
    await one.module.get(ApplyService).apply(entries, { only, attempt: 1000 });
    expect(await found()).toMatchObject([{ status: 'succeeded', attempts: 1000 }]);
  });

  it('does not let the neighbours pay for an owner who cancels one action after another', async () => {
    const cancelled = await accepted(Array.from({ length: 30 }, () => 'cancelled'));
    const { entries, found } = await accepted(Array.from({ length: 30 }, (_, index) => `note ${index}`));
    const rows = cancelled.actions.map(({ id, owner, type, resourceId }) => ({
      ...{ id, owner, type, resource_id: resourceId, traceparent: null },
      submitted_at: new Date().toISOString(),
    }));
    const error = { code: 'CANCELLED', title: 'cancelled', detail: 'cancelled' } as const;
    const before = await applications();
    // Each time one of them ends after it was read, and before it is finished.
    meanwhile = async () => {
      const row = rows.shift();
      const ending = { status: 'cancelled', attempts: 0, response: null, error } as const;
      // Unless it has its end already.
      const cancel = (sql: Transaction) => ledger.finish(sql, [{ row: row!, ...ending }]);
      if (row)
        await other.module
          .get(Database)
          .transaction(cancel)
          .catch(() => undefined);
    };
    await one.joiner.run([...cancelled.entries, ...entries]).finally(() => (meanwhile = () => Promise.resolve()));
    expect(new Set((await found()).map(({ status }) => status))).toEqual(new Set(['succeeded']));
    // Each was applied a few times, not once for each that was cancelled.
    expect((await applications()) - before).toBeLessThan(6 * entries.length);
  });

  it('fails an action as its handler says, without a retry', async () => {
    const { entries, found } = await accepted(['forbidden']);
    await one.joiner.run(entries);
    expect(await found()).toMatchObject([{ status: 'failed', error: { code: 'FORBIDDEN' } }]);
    expect(one.published.map(({ type }) => type)).toEqual(['action.failed']);
  });

  it('ends an action whose time is over without applying it', async () => {
    const { entries, found } = await accepted(['too late'], { ttlSeconds: 0 });
    await one.joiner.run(entries);
    expect(await found()).toMatchObject([{ status: 'expired', error: { code: 'EXPIRED' } }]);
    expect(await written()).toEqual([]);
  });
});

describe('actions that perform on one resource', () => {
  const inLine = (texts: readonly string[]) =>
    accepted(texts, { type: 'notes.copy', owner: 'alice', resourceId: uuidv4() });

  /** The same, and others that were accepted before them, and nobody sees until they are changed to `pending`. */
  const inLineBehindLate = async (texts: readonly string[], lateTexts: readonly string[] = ['late']) => {
    const given = { type: 'notes.copy', owner: 'alice', resourceId: uuidv4() };
    const late = await accepted(lateTexts, given);
    const change = (columns: string) =>
      database.query(`update actions set ${columns} where id = any($1)`, [late.actions.map(({ id }) => id)]);
    await change(`status = 'succeeded', finished_at = now()`);
    return { late, all: await accepted(texts, given), change };
  };

  /** Keeps everybody from applying something to a resource, until the work is done. */
  const locked = ([, resource]: TicketEntry, work: () => Promise<void>): Promise<void> =>
    database.transaction(async (sql) => {
      await waitForLockStatement(sql, resource, 2_000);
      await work();
    });

  const close = (text: string): { open: () => void } => {
    const gate = Promise.withResolvers<void>();
    gates.set(text, gate.promise);
    return { open: gate.resolve };
  };

  const cancelled = ({ id, owner, type, resourceId }: NewAction) => {
    const row = { id, owner, type, resource_id: resourceId, submitted_at: new Date().toISOString(), traceparent: null };
    return { row, status: 'cancelled', attempts: 0, response: null, error: null } as const;
  };

  const statuses = async ({ found }: Awaited<ReturnType<typeof accepted>>): Promise<string[]> =>
    (await found()).map(({ status }) => status);

  it('do so one after another, some of them before the first is applied, which they are together', async () => {
    const texts = Array.from({ length: 12 }, (_, index) => `note ${index}`);
    const all = await inLine(texts);
    const first = close('note 0');
    const run = one.joiner.run(all.entries.slice(0, 1));
    await eventually(() => expect(performances).toEqual(['note 0']));
    expect(await statuses(all)).toEqual(texts.map((_, index) => (index < 8 ? 'running' : 'pending')));
    await locked(all.entries[0]!, async () => {
      first.open();
      await eventually(() => expect(performances).toEqual(texts.slice(0, 8)));
      expect(await written()).toEqual([]);
    });
    await run;
    expect(await written()).toEqual(texts.map((text) => `copy of ${text}`));
    expect(performances).toEqual(texts);
    const transactions = await database.query('select distinct xmin::text from notes');
    expect(transactions.length).toBeLessThan(texts.length / 2);
  });

  it('keep no ticket of one that stands far behind them: it is followed', async () => {
    const all = await inLine(Array.from({ length: 60 }, (_, index) => `note ${index}`));
    const first = close('note 0');
    const run = one.joiner.run(all.entries.slice(0, 1));
    await eventually(() => expect(performances).toEqual(['note 0']));
    await one.joiner.run(all.entries.slice(-1));
    expect(performances).toEqual(['note 0']);
    first.open();
    await run;
    expect(await written()).toHaveLength(60);
  });

  it('keep a ticket for as long as one of them is left', async () => {
    const all = await inLine(['first', 'second', 'last']);
    const last = close('last');
    let isDone = false;
    const run = one.joiner.run(all.entries.slice(0, 1)).finally(() => (isDone = true));
    await eventually(async () => expect(await statuses(all)).toEqual(['succeeded', 'succeeded', 'running']));
    await eventually(() => expect(outcomes(one)).toHaveLength(2));
    for (let count = 0; count < 100; count += 1) await turn();
    expect(isDone).toBe(false);
    last.open();
    await run;
    expect(await statuses(all)).toEqual(['succeeded', 'succeeded', 'succeeded']);
  });

  it('perform once more when one before them fails to be applied, and is tried again', async () => {
    const all = await inLine(['first', 'second', 'third']);
    const third = close('third');
    whileCopied = (texts) => {
      if (texts.includes('first')) throw new Error('not today');
    };
    await one.joiner.run(all.entries.slice(0, 1));
    expect(performances.slice(0, 2)).toEqual(['first', 'second']);
    expect(await statuses(all)).toEqual(['pending', 'pending', 'pending']);
    expect((await all.found()).map(({ attempts }) => attempts)).toEqual([1, 0, 0]);
    expect(one.addTickets.mock.calls.map(([, tickets]) => tickets)).toEqual([[all.entries[0]]]);
    expect(signals.get('third')!.aborted).toBe(true);
    third.open();
    performances.length = 0;
    whileCopied = () => undefined;
    await database.query('update actions set run_at = now() where id = $1', [all.entries[0]![0]]);
    await other.joiner.run(all.entries.slice(0, 1));
    expect(performances).toEqual(['first', 'second', 'third']);
    expect(await written()).toEqual(['copy of first', 'copy of second', 'copy of third']);
  });

  it('are put back behind one that fails to perform, which has its retry after what stands before it', async () => {
    const all = await inLine(['first', 'unlucky', 'third']);
    await one.joiner.run(all.entries.slice(0, 1));
    expect(performances).toEqual(['first', 'unlucky']);
    expect(await statuses(all)).toEqual(['succeeded', 'pending', 'pending']);
    expect(one.addTickets.mock.calls.map(([, tickets]) => tickets)).toEqual([[all.entries[1]]]);
    await database.query('update actions set run_at = now() where id = $1', [all.entries[1]![0]]);
    await other.joiner.run(all.entries.slice(1, 2));
    expect(await written()).toEqual(['copy of first', 'copy of unlucky', 'copy of third']);
  });

  it('get their ends in order, where one before them is not applied yet when a later one fails', async () => {
    const all = await inLine(['first', 'hopeless', 'third']);
    const first = close('first');
    const run = one.joiner.run(all.entries.slice(0, 1));
    await eventually(() => expect(performances).toEqual(['first']));
    await locked(all.entries[0]!, async () => {
      first.open();
      await eventually(() => expect(performances).toEqual(['first', 'hopeless']));
      for (let count = 0; count < 100; count += 1) await turn();
      expect(await statuses(all)).toEqual(['running', 'running', 'running']);
    });
    await run;
    expect(await statuses(all)).toEqual(['succeeded', 'failed', 'succeeded']);
    const ends = await database.query<{ id: string }>(
      'select action_id as id from events where action_id = any($1) order by "offset"',
      [all.entries.map(([id]) => id)],
    );
    expect(ends.map(({ id }) => id)).toEqual(all.entries.map(([id]) => id));
  });

  it('ask for no ticket of their own when one before them has taken theirs', async () => {
    const all = await inLine(['first', 'second', 'third', 'fourth']);
    const first = close('first');
    whileCopied = (texts) => {
      if (texts.includes('second')) throw new Error('not today');
    };
    const run = one.joiner.run(all.entries.slice(0, 1));
    await eventually(() => expect(performances).toEqual(['first']));
    await locked(all.entries[0]!, async () => {
      first.open();
      await eventually(() => expect(performances).toEqual(['first', 'second', 'third', 'fourth']));
    });
    // The attempt of the second cannot be counted until those behind it are put back.
    await database.transaction(async (sql) => {
      await sql.query('select from actions where id = $1 for update', [all.entries[3]![0]]);
      await eventually(async () => expect(await statuses(all)).toEqual(['succeeded', 'running', 'running', 'running']));
      const waits = `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
      await eventually(async () => expect(await database.query(waits)).not.toEqual([]));
      for (let count = 0; count < 5; count += 1) await one.joiner.run((await accepted(['stranger'])).entries);
    });
    await run;
    expect(await statuses(all)).toEqual(['succeeded', 'pending', 'pending', 'pending']);
    expect(one.addTickets.mock.calls.map(([, tickets]) => tickets)).toEqual([[all.entries[1]]]);
  });

  it.each(['performs nothing', 'has failed before'])('are joined by nobody behind one that %s', async (why) => {
    const given = { owner: 'alice', resourceId: uuidv4() };
    const copies = { ...given, type: 'notes.copy' };
    const first = await accepted(['first'], copies);
    const second = await accepted(['second'], why === 'performs nothing' ? given : copies);
    const third = await accepted(['third'], copies);
    const [[id]] = second.entries as [TicketEntry];
    if (why === 'has failed before') await database.query('update actions set attempts = 1 where id = $1', [id]);
    const gate = close('first');
    const run = one.joiner.run([...first.entries, ...second.entries, ...third.entries]);
    await eventually(() => expect(performances).toEqual(['first']));
    const all = async () => (await Promise.all([first, second, third].map(statuses))).flat();
    expect(await all()).toEqual(['running', 'pending', 'pending']);
    gate.open();
    await run;
    expect(await all()).toEqual(['succeeded', 'succeeded', 'succeeded']);
    const text = why === 'performs nothing' ? 'second' : 'copy of second';
    expect(await written()).toEqual(['copy of first', text, 'copy of third']);
  });

  it('start with no other where one alone may run, unless the next one may be started', async () => {
    const applier = one.module.get(ApplyService);
    const started = async (options: ApplyOptions): Promise<string[]> => {
      const { entries } = await inLine(['first', 'second']);
      const [[only], [next]] = entries as [TicketEntry, TicketEntry];
      const names = new Map([
        [only, 'first'],
        [next, 'second'],
      ]);
      const performed = new Map(options.performed ? [[only, 'copy']] : []);
      const result = await applier.apply(entries.slice(0, 1), { ...options, only, performed });
      return result.started.map(({ id }) => names.get(id)!);
    };
    expect(await started({})).toEqual(['first']);
    expect(await started({ startsNext: true })).toEqual(['first', 'second']);
    expect(await started({ performed: new Map() })).toEqual([]);
    expect(await started({ performed: new Map(), startsNext: true })).toEqual(['second']);
  });

  it('are left as they are behind one that runs alone, when they have had all their attempts', async () => {
    const all = await inLine(['first', 'second']);
    const [[only], [next]] = all.entries as [TicketEntry, TicketEntry];
    const most = one.module.get(WorkerConfig, { strict: false }).MAX_ATTEMPTS;
    await database.query('update actions set attempts = $2 where id = $1', [next, most]);
    const applier = one.module.get(ApplyService);
    const options = { only, startsNext: true, performed: new Map([[only, 'copy']]) };
    const { started, next: left } = await applier.apply(all.entries.slice(0, 1), options);
    expect([started, left]).toEqual([[], all.entries.slice(1)]);
    expect(await statuses(all)).toEqual(['succeeded', 'pending']);
    await one.joiner.run(left);
    expect((await all.found())[1]).toMatchObject({ status: 'failed', error: { code: 'ATTEMPTS_EXHAUSTED' } });
  });

  it('are in one hand only when they fail, or have to be applied apart', async () => {
    const [failing, retried] = [await inLine(['failing']), await inLine(['retried'])];
    const entries = [...failing.entries, ...retried.entries];
    const [[failed, resource_id], [apart]] = entries as [TicketEntry, TicketEntry];
    await database.query('update actions set attempts = 1 where id = $1', [apart]);
    const error = new HandlerError([{ id: failed, resource_id } as UnfinishedRow], new Error('not today'));
    const performed = new Map<string, unknown>([
      [failed, error],
      [apart, 'copy'],
    ]);
    const result = await one.module.get(ApplyService).apply(entries, { performed });
    expect(result).toMatchObject({ failed: [error], apart: [{ id: apart }], blocked: [], next: [] });
  });

  it('are followed also where no more of them were read than stand in line', async () => {
    const all = await inLine(['first', 'second', 'third', 'fourth', 'last']);
    const strangers = await accepted(['stranger', 'other'], { type: 'notes.copy' });
    const entries = [all.entries[0]!, all.entries[4]!, ...strangers.entries];
    const result = await one.module.get(ApplyService).apply(entries);
    expect(result.started).toHaveLength(6);
    expect(result).toMatchObject({ more: [], next: [], blocked: [], known: [all.entries[4]] });
  });

  it('do not hide one that came to light late, and has no room yet', async () => {
    const { entries } = await inLine(['late', 'first']);
    const [late, [first]] = entries as [TicketEntry, TicketEntry];
    const lease = `update actions set status = 'running', run_at = now() + interval '1 minute' where id = $1`;
    await database.query(lease, [first]);
    const inLineHere = { has: (id: string) => id === first, failuresOf: () => 0, seqOf: () => undefined };
    const result = await one.module.get(ApplyService).apply(entries.slice(1), { inLine: inLineHere, startable: 0 });
    expect(result).toMatchObject({ started: [], blocked: [], next: [late] });
  });

  it('go on without one that was cancelled in line', async () => {
    const all = await inLine(['first', 'second', 'third']);
    const first = close('first');
    const run = one.joiner.run(all.entries.slice(0, 1));
    await eventually(() => expect(performances).toEqual(['first']));
    const { id, owner, type, resourceId } = all.actions[1]!;
    const row = { id, owner, type, resource_id: resourceId, submitted_at: new Date().toISOString(), traceparent: null };
    const ending = { row, status: 'cancelled', attempts: 0, response: null, error: null } as const;
    await database.transaction((sql) => ledger.finish(sql, [ending]));
    first.open();
    await run;
    expect(await statuses(all)).toEqual(['succeeded', 'cancelled', 'succeeded']);
    expect(await written()).toEqual(['copy of first', 'copy of third']);
  });

  it('do not begin in a process that was frozen until their lease may be over', async () => {
    const all = await inLine(['first', 'second']);
    const first = close('first');
    const run = one.joiner.run(all.entries.slice(0, 1));
    await eventually(() => expect(performances).toEqual(['first']));
    const start = performance.now();
    const clock = vi.spyOn(performance, 'now').mockReturnValue(start + 10_000);
    first.open();
    await run.finally(() => clock.mockRestore());
    expect(performances).toEqual(['first']);
    expect(await statuses(all)).toEqual(['succeeded', 'running']);
    // Somebody looks when the lease is over.
    expect(one.addTickets.mock.calls.map(([name, tickets]) => [name, tickets])).toEqual([['leased', [all.entries[1]]]]);
  });

  it.each(['had its answer that they are its own', 'put them in line'])(
    'do not begin in a process that was frozen before it %s',
    async (what) => {
      const [all, stranger] = [await inLine(['first']), await accepted(['stranger'])];
      const now = performance.now.bind(performance);
      const clock = vi.spyOn(performance, 'now');
      const freeze = (): void => void clock.mockImplementation(() => now() + 10_000);
      const applier = one.module.get(ApplyService);
      const [original, finish] = [applier.apply.bind(applier), ledger.finish.bind(ledger)];
      const spies = [
        vi.spyOn(applier, 'apply').mockImplementationOnce(async (entries, options) => {
          const result = await original(entries, options);
          freeze();
          return result;
        }),
        // Both are sent together.
        vi.spyOn(ledger, 'finish').mockImplementationOnce((...args) => {
          freeze();
          return finish(...args);
        }),
      ];
      spies[what.includes('answer') ? 0 : 1]!.mockRestore();
      await one.joiner.run([...all.entries, ...stranger.entries]).finally(() => clock.mockRestore());
      for (const spy of spies) spy.mockRestore();
      expect(performances).toEqual([]);
      expect(await written()).toEqual(['stranger']);
      expect(one.addTickets.mock.calls.map(([name, tickets]) => [name, tickets])).toEqual([['leased', all.entries]]);
    },
  );

  it('do not begin behind a retry, whoever names them', async () => {
    const all = await inLine(['first', 'second']);
    await database.query('update actions set attempts = 1 where id = $1', [all.entries[0]![0]]);
    const first = close('first');
    const run = one.joiner.run(all.entries.slice(0, 1));
    await eventually(() => expect(performances).toEqual(['first']));
    await one.joiner.run(all.entries.slice(1));
    expect(await statuses(all)).toEqual(['running', 'pending']);
    first.open();
    await run;
    expect(await statuses(all)).toEqual(['succeeded', 'succeeded']);
  });

  it('wait for one that came to light late, and was accepted before them', async () => {
    const { late, all, change } = await inLineBehindLate(['first', 'second']);
    const [first, second] = [close('first'), close('second')];
    const run = one.joiner.run(all.entries.slice(0, 1));
    await eventually(() => expect(performances).toEqual(['first']));
    await change(`status = 'pending', finished_at = null`);
    first.open();
    await eventually(() => expect(performances).toEqual(['first', 'second']));
    await eventually(async () => expect(await statuses(late)).toEqual(['running']));
    second.open();
    await run;
    await eventually(async () => expect(await statuses(all)).toEqual(['succeeded', 'succeeded']));
    expect(await written()).toEqual(['copy of late', 'copy of first', 'copy of second']);
    expect(performances).toEqual(['first', 'second', 'late']);
  });

  it('wait for a late one also where all of them have been performed', async () => {
    const { all, change } = await inLineBehindLate(['first']);
    const first = close('first');
    const run = one.joiner.run(all.entries);
    await eventually(() => expect(performances).toEqual(['first']));
    await change(`status = 'pending', finished_at = null`);
    first.open();
    await run;
    expect(await statuses(all)).toEqual(['succeeded']);
    expect(await written()).toEqual(['copy of late', 'copy of first']);
    expect(performances).toEqual(['first', 'late']);
  });

  it('wait for more that came to light late than are read of a resource', async () => {
    const texts = Array.from({ length: 8 }, (_, index) => `note ${index}`);
    const lateTexts = Array.from({ length: 12 }, (_, index) => `late ${index}`);
    const { late, all, change } = await inLineBehindLate(texts, lateTexts);
    const first = close('note 0');
    const run = one.joiner.run(all.entries.slice(0, 1));
    await eventually(() => expect(performances).toEqual(['note 0']));
    const applier = one.module.get(ApplyService);
    const original = applier.apply.bind(applier);
    // They come when the others of the line are about to be applied together.
    let hasCome = false;
    const apply = vi.spyOn(applier, 'apply').mockImplementation(async (entries, options) => {
      if (!hasCome && entries.some(([id]) => id === all.entries[1]![0])) {
        hasCome = true;
        await change(`status = 'pending', finished_at = null`);
      }
      return original(entries, options);
    });
    await locked(all.entries[0]!, async () => {
      first.open();
      await eventually(() => expect(performances).toEqual(texts));
    });
    await run;
    await eventually(async () => {
      const ends = await Promise.all([late, all].map(statuses));
      expect(new Set(ends.flat())).toEqual(new Set(['succeeded']));
    }).finally(() => apply.mockRestore());
    expect(performances).toEqual([...texts, ...lateTexts]);
    const order = ['note 0', ...lateTexts, ...texts.slice(1)];
    expect(await written()).toEqual(order.map((text) => `copy of ${text}`));
    expect(one.addTickets).not.toHaveBeenCalled();
  });

  it('are joined by one that comes while others are being performed', async () => {
    const given = { type: 'notes.copy', owner: 'alice', resourceId: uuidv4() };
    const [first, second] = [await accepted(['first'], given), await accepted(['second'], given)];
    const third = await accepted(['third'], given);
    await database.query(`update actions set run_at = now() + interval '1 minute' where id = $1`, [
      third.actions[0]!.id,
    ]);
    const gate = close('first');
    const runs = [one.joiner.run(first.entries)];
    await eventually(async () => expect(await statuses(second)).toEqual(['running']));
    await database.query('update actions set run_at = null where id = $1', [third.actions[0]!.id]);
    runs.push(one.joiner.run(third.entries));
    await eventually(async () => expect(await statuses(third)).toEqual(['running']));
    expect(performances).toEqual(['first']);
    gate.open();
    await Promise.all(runs);
    expect(await written()).toEqual(['copy of first', 'copy of second', 'copy of third']);
  });

  it('are not performed when one before them fails to perform while they are put in line', async () => {
    const all = await inLine(['never', 'second']);
    const never = close('never');
    const run = one.joiner.run(all.entries.slice(0, 1));
    await eventually(() => expect(performances).toEqual(['never']));
    const { owner, resourceId } = all.actions[0]!;
    const third = await accepted(['third'], { type: 'notes.copy', owner, resourceId });
    const stranger = await accepted(['stranger']);
    meanwhile = async () => {
      never.open();
      await eventually(async () => expect(await statuses(all)).toEqual(['pending', 'pending']));
    };
    await one.joiner.run([...third.entries, ...stranger.entries]).finally(() => (meanwhile = () => Promise.resolve()));
    await run;
    // It is put back by itself: its ticket may have gone on with the second.
    await eventually(async () => expect(await statuses(third)).toEqual(['pending']));
    expect(performances).toEqual(['never']);
  });

  it.each(['stands behind it', 'is put in line meanwhile'])(
    'are left to who may have taken them up while this process was frozen, when one fails, and another %s',
    async (where) => {
      const all = await inLine(['never', 'second']);
      const [never, second] = all.actions as [NewAction, NewAction];
      const gate = close('never');
      const run = one.joiner.run(all.entries.slice(0, 1));
      await eventually(() => expect(performances).toEqual(['never']));
      const now = performance.now.bind(performance);
      const clock = vi.spyOn(performance, 'now');
      const fail = async (): Promise<void> => {
        clock.mockImplementation(() => now() + 10_000);
        gate.open();
        await eventually(async () => expect((await statuses(all))[0]).toBe('pending'));
      };
      let last = second.id;
      let runOfLast: Promise<void> | undefined;
      if (where.includes('put')) {
        const third = await accepted(['third'], { type: 'notes.copy', owner: 'alice', resourceId: never.resourceId });
        [[last]] = third.entries as [TicketEntry];
        const go = onCheckpoint('apply.after-commit', fail);
        runOfLast = one.joiner.run(third.entries).finally(go);
      } else await fail();
      await Promise.all([run, runOfLast]).finally(() => clock.mockRestore());
      const [row] = await database.query<{ status: string; leased: boolean }>(
        'select status::text, run_at > clock_timestamp() as leased from actions where id = $1',
        [last],
      );
      expect(row).toEqual({ status: 'running', leased: true });
      const tickets = () => one.addTickets.mock.calls.map(([name, [entry]]) => [name, entry![0]]);
      // Somebody looks when the lease is over.
      await eventually(() => expect(tickets()).toContainEqual(['leased', last]));
      expect(tickets()).toContainEqual(['notes.copy', never.id]);
      expect(performances).toEqual(['never']);
    },
  );

  it('go on where the line is cut while the first that was performed waits for the lock', async () => {
    const { late, all, change } = await inLineBehindLate(['first', 'second']);
    const [first, second] = [close('first'), close('second')];
    close('late');
    const run = one.joiner.run(all.entries.slice(0, 1));
    await eventually(() => expect(performances).toEqual(['first']));
    await change(`status = 'pending', finished_at = null`);
    first.open();
    await eventually(() => expect(performances).toEqual(['first', 'second']));
    second.open();
    await eventually(() => expect(performances).toEqual(['first', 'second', 'late']));
    const waiting = `select from pg_locks join pg_database d on d.oid = database
      where datname = current_database() and locktype = 'advisory' and not granted`;
    await locked(all.entries[0]!, async () => {
      await eventually(async () => expect(await database.query(waiting)).toHaveLength(1));
      await database.transaction((sql) => ledger.finish(sql, [cancelled(late.actions[0]!)]));
      one.module.get(Performer).callOff(late.actions[0]!.id, 'it was cancelled');
      await eventually(async () => expect(await statuses(all)).toEqual(['pending', 'pending']));
    });
    await run;
    await eventually(async () => expect(await statuses(all)).toEqual(['succeeded', 'succeeded']));
    expect(await written()).toEqual(['copy of first', 'copy of second']);
  });

  it('go on at once behind one that was cancelled long before its turn', async () => {
    const all = await inLine(['first', 'second', 'third']);
    const first = close('first');
    const run = one.joiner.run(all.entries.slice(0, 1));
    await eventually(() => expect(performances).toEqual(['first']));
    await database.transaction((sql) => ledger.finish(sql, [cancelled(all.actions[1]!)]));
    const performer = one.module.get(Performer);
    await eventually(() => expect(performer.isCalledOff(all.entries[1]![0])).toBe(true));
    const now = performance.now.bind(performance);
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => now() + 1_800);
    const lease = () => database.query('select run_at from actions where id = $1', [all.entries[2]![0]]);
    const before = await lease();
    await eventually(async () => expect(await lease()).not.toEqual(before));
    await eventually(() => expect(performer.holds(all.entries[2]![0])).toBe(true));
    first.open();
    await run.finally(() => clock.mockRestore());
    expect(await statuses(all)).toEqual(['succeeded', 'cancelled', 'succeeded']);
    expect(performances).toEqual(['first', 'third']);
    expect(one.addTickets).not.toHaveBeenCalled();
  });

  it('are applied when one before them, which came to light late, was not begun in time', async () => {
    const { late, all, change } = await inLineBehindLate(['first', 'second']);
    const [first, second] = [close('first'), close('second')];
    const run = one.joiner.run(all.entries.slice(0, 1));
    first.open();
    await eventually(() => expect(performances).toEqual(['first', 'second']));
    await eventually(async () => expect(await statuses(all)).toEqual(['succeeded', 'running']));
    await change(`status = 'pending', finished_at = null`);
    const runOfLate = one.joiner.run(late.entries);
    await eventually(() => expect(one.module.get(Performer).holds(late.entries[0]![0])).toBe(true));
    const start = performance.now();
    const clock = vi.spyOn(performance, 'now').mockReturnValue(start + 10_000);
    second.open();
    await eventually(() => expect(one.addTickets.mock.calls.map(([name]) => name)).toEqual(['leased'])).finally(() =>
      clock.mockRestore(),
    );
    await runOfLate;
    await change('run_at = now()');
    await other.joiner.run(late.entries);
    await run;
    await eventually(async () => expect(await statuses(all)).toEqual(['succeeded', 'succeeded']));
    expect(await written()).toEqual(['copy of first', 'copy of late', 'copy of second']);
  });

  it('are not lost where others of a batch are read less of, and one before them fails to be applied', async () => {
    const texts = Array.from({ length: 8 }, (_, index) => `note ${index}`);
    const all = await inLine(texts);
    const strangers = await accepted(['a', 'b', 'c']);
    const first = close('note 0');
    const run = one.joiner.run(all.entries.slice(0, 1));
    await eventually(() => expect(performances).toEqual(['note 0']));
    const taken = vi.spyOn(one.redis, 'taken', 'get');
    // The others of the line are about to be applied when the outcome of the first is published.
    let runOfStrangers: Promise<void> | undefined;
    taken.mockImplementation(() => {
      runOfStrangers ??= one.joiner.run(strangers.entries);
      return Promise.resolve();
    });
    whileCopied = (copied) => {
      if (copied.includes('note 2')) throw new Error('not today');
    };
    await locked(all.entries[0]!, async () => {
      first.open();
      await eventually(() => expect(performances).toEqual(texts));
    });
    await run.finally(() => taken.mockRestore());
    await runOfStrangers;
    const ends = texts.map((_, index) => (index < 2 ? 'succeeded' : 'pending'));
    expect(await statuses(all)).toEqual(ends);
  });

  it('do not join one that has failed before', async () => {
    const all = await inLine(['first']);
    await database.query('update actions set attempts = 1 where id = $1', [all.entries[0]![0]]);
    const first = close('first');
    const run = one.joiner.run(all.entries);
    await eventually(() => expect(performances).toEqual(['first']));
    const { owner, resourceId } = all.actions[0]!;
    const second = await accepted(['second'], { type: 'notes.copy', owner, resourceId });
    await one.joiner.run(second.entries);
    expect(await statuses(second)).toEqual(['pending']);
    first.open();
    await run;
    expect(await statuses(second)).toEqual(['succeeded']);
  });

  describe('and fail', () => {
    let hasty: WorkerUnderTest;

    const withWorker = async (settings: Record<string, string>, work: () => Promise<void>): Promise<void> => {
      hasty = await createWorker(settings);
      try {
        await work();
      } finally {
        await hasty.module.close();
      }
    };

    it('are tried again soon where they stand, and nothing overtakes them', () =>
      withWorker({ RETRY_BACKOFF_MS: '10' }, async () => {
        const all = await inLine(['first', 'unlucky', 'third']);
        await hasty.joiner.run(all.entries.slice(0, 1));
        expect(performances).toEqual(['first', 'unlucky', 'unlucky', 'third']);
        expect((await all.found()).map(({ status, attempts }) => [status, attempts])).toEqual([
          ['succeeded', 1],
          ['succeeded', 2],
          ['succeeded', 1],
        ]);
        expect(await written()).toEqual(['copy of first', 'copy of unlucky', 'copy of third']);
        expect(hasty.addTickets).not.toHaveBeenCalled();
      }));

    it('are applied together with the others when they succeed in the end', () =>
      withWorker({ RETRY_BACKOFF_MS: '10' }, async () => {
        const all = await inLine(['first', 'unlucky', 'third']);
        const first = close('first');
        const run = hasty.joiner.run(all.entries.slice(0, 1));
        await eventually(() => expect(performances).toEqual(['first']));
        await locked(all.entries[0]!, async () => {
          first.open();
          await eventually(() => expect(performances).toEqual(['first', 'unlucky', 'unlucky', 'third']));
        });
        await run;
        expect(await statuses(all)).toEqual(['succeeded', 'succeeded', 'succeeded']);
        expect(await written()).toEqual(['copy of first', 'copy of unlucky', 'copy of third']);
        const together = `select count(*)::integer as n from notes group by xmin::text order by n desc`;
        expect((await database.query<{ n: number }>(together))[0]!.n).toBeGreaterThan(1);
      }));

    it('are followed by nobody while they have their retry', async () => {
      const all = await inLine(['first', 'second']);
      await database.query('update actions set attempts = 1 where id = $1', [all.entries[0]![0]]);
      const apply = vi.spyOn(one.module.get(ApplyService), 'apply');
      const first = close('first');
      const run = one.joiner.run(all.entries);
      await eventually(() => expect(performances).toEqual(['first']));
      expect(await statuses(all)).toEqual(['running', 'pending']);
      first.open();
      await run;
      expect(await statuses(all)).toEqual(['succeeded', 'succeeded']);
      expect(await written()).toEqual(['copy of first', 'copy of second']);
      // It came to be applied alone, at once.
      const [[id]] = all.entries as [TicketEntry];
      const calls = apply.mock.calls.filter(([entries]) => entries.some(([named]) => named === id));
      expect(calls.map(([, options]) => options?.only)).toEqual([undefined, id]);
      apply.mockRestore();
    });

    it('keep what they have performed where another ticket of theirs has waited as long for the lock', async () => {
      const all = await inLine(['first']);
      await database.query('update actions set attempts = 1 where id = $1', [all.entries[0]![0]]);
      const applier = one.module.get(ApplyService);
      const first = close('first');
      const runs = [one.joiner.run(all.entries)];
      await eventually(() => expect(performances).toEqual(['first']));
      const original = applier.apply.bind(applier);
      const answers: (() => void)[] = [];
      const apply = vi.spyOn(applier, 'apply').mockImplementation(async (entries, options) => {
        const result = await original(entries, options);
        await new Promise<void>((answer) => answers.push(answer));
        return result;
      });
      await locked(all.entries[0]!, async () => {
        runs.push(one.joiner.run([...all.entries]));
        await eventually(() => expect(answers).toHaveLength(1));
        first.open();
        await eventually(() => expect(answers).toHaveLength(2));
      }).finally(() => apply.mockRestore());
      // Both come back at one moment, the one without the result first.
      for (const answer of answers) answer();
      await Promise.all(runs);
      expect(await statuses(all)).toEqual(['succeeded']);
      expect(performances).toEqual(['first']);
      expect(one.addTickets).not.toHaveBeenCalled();
    });

    it('end in their turn when they have had all their attempts', () =>
      withWorker({ RETRY_BACKOFF_MS: '1', MAX_ATTEMPTS: '3' }, async () => {
        const all = await inLine(['first', 'never', 'third']);
        await hasty.joiner.run(all.entries.slice(0, 1));
        expect(performances).toEqual(['first', 'never', 'never', 'never', 'third']);
        const [, never] = await all.found();
        expect(never).toMatchObject({ status: 'failed', attempts: 3, error: { code: 'ATTEMPTS_EXHAUSTED' } });
        expect(await written()).toEqual(['copy of first', 'copy of third']);
      }));

    it.each(['leave no room for others', 'would end later than their process'])(
      'have a ticket for their retry where they %s',
      (why) =>
        withWorker({ RETRY_BACKOFF_MS: '10', WORKER_CONCURRENCY: why.includes('room') ? '1' : '2' }, async () => {
          if (why.includes('process')) hasty.joiner.beforeApplicationShutdown();
          const { entries, found } = await inLine(['unlucky']);
          await hasty.joiner.run(entries);
          expect(await found()).toMatchObject([{ status: 'pending', attempts: 1 }]);
          expect(hasty.addTickets.mock.calls.map(([, tickets]) => tickets)).toEqual([entries]);
        }),
    );

    it('have a ticket for their retry where their attempt could not be counted at first', () =>
      withWorker({ RETRY_BACKOFF_MS: '10' }, async () => {
        vi.spyOn(hasty.module.get(FailureService), 'retryAtOnce').mockRejectedValueOnce(new Error('away'));
        const { entries, found } = await inLine(['unlucky']);
        await hasty.joiner.run(entries);
        expect(await found()).toMatchObject([{ status: 'pending', attempts: 1 }]);
        expect(hasty.addTickets.mock.calls.map(([, tickets]) => tickets)).toEqual([entries]);
      }));

    it('are looked at when their lease is over, where it could not be recorded', async () => {
      const { entries, found } = await inLine(['first']);
      whileCopied = () => {
        whileCopied = () => undefined;
        throw new Error('not today');
      };
      vi.spyOn(one.module.get(FailureService), 'handle').mockRejectedValueOnce(new Error('away'));
      await one.joiner.run(entries);
      expect(await found()).toMatchObject([{ status: 'running' }]);
      expect(one.addTickets.mock.calls.map(([name, tickets]) => [name, tickets])).toEqual([['leased', entries]]);
      expect(await written()).toEqual([]);
    });

    it('wait longer before each attempt, and each that fails is told', () =>
      withWorker({ RETRY_BACKOFF_MS: '40', MAX_ATTEMPTS: '3' }, async () => {
        const pause = vi.spyOn(hasty.module.get(Performer), 'pause');
        const warn = vi.spyOn(Logger.prototype, 'warn');
        const { entries } = await inLine(['never']);
        await hasty.joiner.run(entries);
        const [first, second, ...others] = pause.mock.calls.map(([, ms]) => ms);
        expect([first! >= 20, first! <= 40, second! >= 40, second! <= 80]).toEqual([true, true, true, true]);
        expect(others).toEqual([]);
        const told = warn.mock.calls
          .map(([message]) => message as { msg: string; actionId?: string })
          .flatMap(({ msg, actionId }) => (actionId === entries[0]![0] ? [msg] : []));
        warn.mockRestore();
        const failed = `of notes.copy ${entries[0]![0]} failed: Error: not today`;
        expect(told).toEqual([1, 2, 3].map((attempt) => `attempt ${attempt} ${failed}`));
      }));

    it('are not tried again where no retry can help', () =>
      withWorker({ RETRY_BACKOFF_MS: '1' }, async () => {
        const { entries, found } = await inLine(['hopeless']);
        await hasty.joiner.run(entries);
        expect(performances).toEqual(['hopeless']);
        expect(await found()).toMatchObject([{ status: 'failed', attempts: 1, error: { code: 'HANDLER_FAILED' } }]);
      }));

    it('are not tried again here when somebody else has run the same attempt', () =>
      withWorker({ RETRY_BACKOFF_MS: '1' }, async () => {
        const { entries, found } = await inLine(['unlucky']);
        const gate = close('unlucky');
        const run = hasty.joiner.run(entries);
        await eventually(() => expect(performances).toEqual(['unlucky']));
        await database.query('update actions set attempts = 1 where id = $1', [entries[0]![0]]);
        gate.open();
        await run;
        expect(performances).toEqual(['unlucky']);
        expect(await found()).toMatchObject([{ status: 'running', attempts: 1 }]);
        expect(hasty.addTickets.mock.calls.map(([name, tickets]) => [name, tickets])).toEqual([['leased', entries]]);
      }));

    it('are not tried again when they were cancelled meanwhile', () =>
      withWorker({ RETRY_BACKOFF_MS: '1000' }, async () => {
        const all = await inLine(['unlucky', 'second']);
        const run = hasty.joiner.run(all.entries.slice(0, 1));
        await eventually(async () => expect(await all.found()).toMatchObject([{ attempts: 1 }, {}]));
        const { id, owner, type, resourceId } = all.actions[0]!;
        const row = {
          id,
          owner,
          type,
          resource_id: resourceId,
          submitted_at: new Date().toISOString(),
          traceparent: null,
        };
        const ending = { row, status: 'cancelled', attempts: 1, response: null, error: null } as const;
        await database.transaction((sql) => ledger.finish(sql, [ending]));
        await run;
        expect(await statuses(all)).toEqual(['cancelled', 'succeeded']);
        expect(await written()).toEqual(['copy of second']);
      }));

    it('do not wait for those behind them, which wait for room to perform', () =>
      withWorker({ PERFORM_CONCURRENCY: '1' }, async () => {
        const all = await inLine(['first', 'second']);
        const stranger = await accepted(['stranger'], { type: 'notes.copy' });
        const gateOfStranger = close('stranger');
        const first = close('first');
        whileCopied = (texts) => {
          if (texts.includes('first')) throw new Error('not today');
        };
        const run = hasty.joiner.run(all.entries.slice(0, 1));
        await eventually(() => expect(performances).toEqual(['first']));
        const runOfStranger = hasty.joiner.run(stranger.entries);
        await eventually(async () => expect(await statuses(stranger)).toEqual(['running']));
        first.open();
        await run;
        expect(await statuses(stranger)).toEqual(['running']);
        expect(await statuses(all)).toEqual(['pending', 'pending']);
        expect(performances).toEqual(['first', 'stranger']);
        gateOfStranger.open();
        await runOfStranger;
        expect(hasty.module.get(Performer).free).toBe(1);
      }));

    it('do not pause when they have left the line already', async () => {
      await expect(one.module.get(Performer).pause(uuidv7(), 600_000)).resolves.toBeUndefined();
    });

    it('leave the line at once when one before them fails to be applied', () =>
      withWorker({ RETRY_BACKOFF_MS: '1000' }, async () => {
        const all = await inLine(['first', 'unlucky', 'third']);
        whileCopied = (texts) => {
          if (texts.includes('first')) throw new Error('not today');
        };
        await hasty.joiner.run(all.entries.slice(0, 1));
        expect((await all.found()).map(({ status }) => status)).toEqual(['pending', 'pending', 'pending']);
        expect(performances.filter((text) => text === 'third')).toEqual([]);
      }));
  });
});
