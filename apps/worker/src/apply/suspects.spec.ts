import { Logger } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { of } from 'rxjs';
import { v4 as uuidv4, v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { ActionCatalogue } from '#actions';
import { ChannelsClient } from '#channels';
import { loadConfig, WorkerConfig } from '#config';
import type { Action, Envelope } from '#contracts';
import { Database, migrate } from '#database';
import { Ledger, ledgerMigrations, startPerformingStatement, waitForLockStatement } from '#ledger';
import { TicketQueue, type TicketEntry } from '#queue';
import type { Applied, Resource, Verb } from '#resources';
import { onCheckpoint } from '#telemetry';
import { eventually, testDatabase, testRedis } from '#testing';
import { TicketProcessor } from '../tickets/ticket.processor.ts';
import { WorkerMetrics } from '../worker.metrics.ts';
import { WorkerModule } from '../worker.module.ts';
import { ApplyService } from './apply.service.ts';
import { Performer } from './performer.ts';
import { Suspects } from './suspects.ts';

Logger.overrideLogger(false);

interface Note {
  text: string;
}

/** What was begun, in its order. */
const begun: string[] = [];

/** Called while an action is applied, or performed. */
let meanwhile: (id: string) => Promise<void> = () => Promise.resolve();

const write: Verb<Note> = {
  async apply(_, actions): Promise<Applied[]> {
    for (const { id, payload } of actions) {
      begun.push(payload.text);
      await meanwhile(id);
      if (payload.text === 'throw') throw new Error('not today');
    }
    return actions.map(() => ({ response: {} }));
  },
};

const copy: Verb<Note> = {
  async perform({ id, payload: { text } }, { attempt }): Promise<void> {
    begun.push(`${text} ${attempt}`);
    await meanwhile(id);
    if (text === 'throw') throw new Error('not today');
  },
  apply: (_, actions): Promise<Applied[]> => Promise.resolve(actions.map(() => ({ response: {} }))),
};

const notes = { type: 'notes', create: write, edit: write, delete: write, verbs: { copy }, migrations: {} };

type Delayed = Partial<Record<'delayMs' | 'starts', number>>;

const addTickets = vi.fn<(name: string, entries: readonly TicketEntry[], options: Delayed) => Promise<boolean>>();
const addSuspects = vi.fn<(entries: readonly TicketEntry[], options?: Delayed) => Promise<boolean>>();
const published: Envelope[] = [];
const MAX_ATTEMPTS = 3;

let module: TestingModule;
let database: Database;
let ledger: Ledger;
let suspects: Suspects;

beforeAll(async () => {
  const [{ url, prefix }, { url: databaseUrl }] = [testRedis(), await testDatabase()];
  const config = loadConfig(WorkerConfig, {
    DATABASE_URL: databaseUrl,
    REDIS_URL: url,
    REDIS_PREFIX: prefix,
    NODE_ENV: 'test',
    LOG_LEVEL: 'silent',
    RETRY_BACKOFF_MS: '60000',
    MAX_ATTEMPTS: String(MAX_ATTEMPTS),
  });
  module = await Test.createTestingModule({ imports: [WorkerModule] })
    .overrideProvider(WorkerConfig)
    .useValue(config)
    .overrideProvider(ActionCatalogue)
    .useValue(new ActionCatalogue([notes as unknown as Resource]))
    .overrideProvider(ChannelsClient)
    .useValue({ emit: (_: string, envelope: Envelope) => of(published.push(envelope)), isConnected: true })
    .overrideProvider(TicketQueue)
    .useValue({ add: addTickets, addSuspects, isReady: true })
    .overrideProvider(WorkerMetrics)
    .useValue({})
    .overrideProvider(TicketProcessor)
    .useValue({})
    .compile();
  database = module.get(Database);
  ledger = module.get(Ledger, { strict: false });
  suspects = module.get(Suspects);
  await migrate(database, ledgerMigrations);
});

afterAll(() => module.close());

beforeEach(() => {
  meanwhile = () => Promise.resolve();
  for (const list of [begun, published]) list.length = 0;
  for (const add of [addTickets, addSuspects]) add.mockReset().mockResolvedValue(true);
});

/** Accepts actions on one resource: one for each text. */
async function accepted(texts: readonly string[], type = 'notes.create') {
  const resourceId = uuidv4();
  const actions = texts.map((text) => ({
    id: uuidv7(),
    owner: 'alice',
    type,
    resourceId,
    payload: { text },
    ttlSeconds: 60,
  }));
  await ledger.accept(actions);
  const entries = actions.map(({ id }): TicketEntry => [id, resourceId]);
  const found = (): Promise<Action[]> => Promise.all(entries.map(async ([id]) => (await ledger.find('alice', id))!));
  return { entry: entries[0]!, entries, found };
}

const attemptsOf = async (id: string): Promise<number> =>
  (await database.query<{ attempts: number }>('select attempts from actions where id = $1', [id]))[0]!.attempts;

describe('a suspect', () => {
  it.each(['notes.create', 'notes.copy'])('has its attempt counted before it starts: %s', async (type) => {
    const { entry, found } = await accepted(['note'], type);
    const counted: number[] = [];
    meanwhile = async (id) => void counted.push(await attemptsOf(id));
    await suspects.run(entry, 1);
    expect(counted).toEqual([1]);
    expect(await found()).toMatchObject([{ status: 'succeeded', attempts: 1 }]);
    expect(published.map(({ type: told }) => told)).toEqual(['action.succeeded']);
  });

  it('that performs, and of which no worker has died alone, is counted when it has an end', async () => {
    const { entry, found } = await accepted(['note'], 'notes.copy');
    const counted: number[] = [];
    meanwhile = async (id) => void counted.push(await attemptsOf(id));
    await suspects.run(entry, 0);
    expect(begun).toEqual(['note 1']);
    expect(counted).toEqual([0]);
    expect(await found()).toMatchObject([{ status: 'succeeded', attempts: 1 }]);
  });

  it.each(['notes.create', 'notes.copy'])('has no attempt counted that could not start: %s', async (type) => {
    const { entry, found } = await accepted(['note'], type);
    await database.transaction(async (sql) => {
      await waitForLockStatement(sql, entry[1], 2_000);
      await suspects.run(entry, 1);
    });
    expect(begun).toEqual([]);
    expect(await found()).toMatchObject([{ status: 'pending', attempts: 0 }]);
    // It comes back soon, and is as suspect as before.
    expect(addSuspects.mock.calls).toEqual([[[entry], { delayMs: 200, starts: 1 }]]);
  });

  it.each([
    ['notes.create', 1],
    ['notes.copy', 1],
    ['notes.copy', 0],
  ])('that fails is counted once, and waits for its retry: %s, after %i deaths', async (type, deaths) => {
    const { entry, found } = await accepted(['throw'], type);
    await suspects.run(entry, deaths);
    expect(await found()).toMatchObject([{ status: 'pending', attempts: 1 }]);
    const [[, tickets, { delayMs }]] = addTickets.mock.calls as [[string, TicketEntry[], { delayMs: number }]];
    expect(tickets).toEqual([entry]);
    expect(delayMs).toBeGreaterThan(30_000);
    // What is suspected of the resource goes on when the retry is due.
    addSuspects.mockClear();
    await suspects.run(entry, deaths);
    expect(begun).toHaveLength(1);
    expect(addSuspects.mock.calls[0]![1]!.delayMs).toBeGreaterThan(20_000);
  });

  it('that has had all its attempts is not run any more, and gets its end', async () => {
    const { entry, found } = await accepted(['note']);
    await database.query('update actions set attempts = $2 where id = $1', [entry[0], MAX_ATTEMPTS]);
    await suspects.run(entry, 1);
    expect(begun).toEqual([]);
    expect(await found()).toMatchObject([{ status: 'failed', attempts: MAX_ATTEMPTS }]);
    expect(published.map(({ type }) => type)).toEqual(['action.failed']);
  });

  it.each(['notes.create', 'notes.copy'])(
    'is left alone by others from the moment its attempt is counted, so that it counts once: %s',
    async (type) => {
      const { entry, found } = await accepted(['note'], type);
      await database.query('update actions set attempts = $2 where id = $1', [entry[0], MAX_ATTEMPTS - 1]);
      const applier = module.get(ApplyService);
      let others = 0;
      const go = onCheckpoint('apply.before-lock', async () => {
        others += 1;
        if (others === 1) await applier.apply([entry]);
      });
      await suspects.run(entry, 1).finally(go);
      expect(begun).toHaveLength(1);
      expect(await found()).toMatchObject([{ status: 'succeeded', attempts: MAX_ATTEMPTS }]);
    },
  );

  it('leaves what stands behind it as good as new', async () => {
    const { entry, entries, found } = await accepted(['first', 'second'], 'notes.copy');
    await suspects.run(entry, 2);
    expect((await found()).map(({ status }) => status)).toEqual(['succeeded', 'pending']);
    expect(addSuspects.mock.calls).toEqual([[[entry], { delayMs: 0, starts: 0 }]]);
    await suspects.run(entry, 0);
    expect((await found()).map(({ status }) => status)).toEqual(['succeeded', 'succeeded']);
    published.length = 0;
    await suspects.run(entry, 0);
    // Nothing is left: its worker may have died before the last outcome was told.
    expect(published.map(({ data }) => (data as Action).id)).toEqual([entries[1]![0]]);
    expect(addSuspects).toHaveBeenCalledTimes(2);
    expect(begun).toEqual(['first 1', 'second 1']);
  });

  it('keeps its hands off what somebody performs, until that lease is over', async () => {
    const { entry, found } = await accepted(['note'], 'notes.copy');
    await startPerformingStatement(database, [entry[0]], 5_000);
    await suspects.run(entry, 1);
    expect(begun).toEqual([]);
    expect(await found()).toMatchObject([{ status: 'running', attempts: 0 }]);
    const [[entries, { delayMs, starts }]] = addSuspects.mock.calls as [[TicketEntry[], Required<Delayed>]];
    expect([entries, starts]).toEqual([[entry], 1]);
    expect(delayMs).toBeGreaterThan(2_000);
  });

  it('is not performed by a process that was frozen since it has the lease', async () => {
    const { entry, found } = await accepted(['note'], 'notes.copy');
    const now = performance.now.bind(performance);
    const clock = vi.spyOn(performance, 'now');
    const go = onCheckpoint('apply.before-commit', () => void clock.mockImplementation(() => now() + 10_000));
    await suspects.run(entry, 1).finally(() => (clock.mockRestore(), go()));
    expect(begun).toEqual([]);
    expect(await found()).toMatchObject([{ status: 'running', attempts: 0 }]);
    expect(addSuspects.mock.calls).toEqual([[[entry], { delayMs: 200, starts: 1 }]]);
  });

  it('has no lease any more when it has its end', async () => {
    const { entry } = await accepted(['note'], 'notes.copy');
    const performer = module.get(Performer);
    const held: boolean[] = [];
    meanwhile = (id) => Promise.resolve(void held.push(performer.holds(id)));
    await suspects.run(entry, 1);
    expect([...held, performer.holds(entry[0])]).toEqual([true, false]);
  });

  it('is put off when its turn does not come, for which nobody takes it for lost', async () => {
    const [alone, other] = [await accepted(['alone'], 'notes.copy'), await accepted(['other'], 'notes.copy')];
    const gate = Promise.withResolvers<void>();
    meanwhile = () => gate.promise;
    const run = suspects.run(alone.entry, 1);
    await eventually(() => expect(begun).toEqual(['alone 1']));
    await suspects.run(other.entry, 0);
    expect(begun).toEqual(['alone 1']);
    const [[entries, { delayMs, starts }]] = addSuspects.mock.calls as [[TicketEntry[], Required<Delayed>]];
    expect([entries, starts, delayMs >= 500, delayMs <= 1_500]).toEqual([[other.entry], 0, true, true]);
    const due = `select run_at > clock_timestamp() as due from actions where id = $1`;
    expect(await database.query(due, [other.entry[0]])).toEqual([{ due: true }]);
    gate.resolve();
    await run;
  });
});

describe('tickets that were started before', () => {
  it('become one for each action whose resource has something left to do; the outcomes of others are told again', async () => {
    const [done, left] = [await accepted(['done']), await accepted(['left'])];
    await suspects.run(done.entry, 1);
    published.length = 0;
    addSuspects.mockClear();
    await suspects.add([done.entry, left.entry]);
    expect(addSuspects.mock.calls).toEqual([[[left.entry]]]);
    expect(published.map(({ data }) => (data as Action).id)).toEqual([done.entry[0]]);
  });

  it('are not done when Redis does not take those', async () => {
    const { entry } = await accepted(['note']);
    addSuspects.mockResolvedValue(false);
    await expect(suspects.add([entry])).rejects.toThrow('Redis did not take the tickets');
  });
});
