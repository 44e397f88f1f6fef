import { randomUUID } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ActionCatalogue, RESOURCES } from '#actions';
import { WorkerConfig } from '#config';
import { Database } from '#database';
import {
  FinishedElsewhereError,
  Ledger,
  LedgerHistory,
  retryLaterStatement,
  type Ending,
  type NewAction,
} from '#ledger';
import type { TicketEntry } from '#queue';
import { ActionLog, onCheckpoint } from '#telemetry';
import { eventually, LedgerCheck, startSystem } from '#testing';
import { ApplyService } from '../../apps/worker/src/apply/apply.service.ts';
import { Handlers } from '../../apps/worker/src/apply/handlers.ts';

let database: Database;
let ledger: Ledger;
let history: LedgerHistory;
let applier: ApplyService;
let check: LedgerCheck;
const undo: (() => void)[] = [];

beforeAll(async () => {
  const { database: url } = await startSystem({ apis: 0, sockets: 0, workers: 0 });
  database = new Database({ url, poolSize: 10, applicationName: 'schedules' });
  history = new LedgerHistory(database);
  ledger = new Ledger(database, history);
  applier = applierOn();
  check = new LedgerCheck(url);
});

afterEach(() => {
  for (const back of undo.splice(0)) back();
});

afterAll(async () => {
  await check.close();
  await database.onApplicationShutdown();
});

/** @param between what happens between the first statement of a transaction and the second, though they are sent together */
function applierOn(between?: () => Promise<void>): ApplyService {
  const config = new WorkerConfig();
  const handlers = new Handlers(new ActionCatalogue(RESOURCES.map((Resource) => new Resource(database))), config);
  return new ApplyService(between ? interrupted(between) : database, ledger, handlers, new ActionLog(config), config);
}

function interrupted(between: () => Promise<void>): Database {
  const transaction: Database['transaction'] = (work) =>
    database.transaction((sql) => {
      const query = sql.query.bind(sql);
      let first: Promise<void> | undefined;
      sql.query = async <Row>(text: string, values?: readonly unknown[]): Promise<Row[]> => {
        if (first) await first;
        const answer = query<Row>(text, values);
        first ??= answer.then(between);
        return answer;
      };
      return work(sql);
    });
  return { transaction } as Database;
}

function newAction(resourceId: string, owner = 'alice'): NewAction {
  return { id: uuidv7(), owner, type: 'drills.delete', resourceId, payload: undefined, ttlSeconds: 60 };
}

async function accept(resourceId: string, owner?: string): Promise<TicketEntry> {
  const action = newAction(resourceId, owner);
  await ledger.accept([action]);
  return [action.id, resourceId];
}

async function statusOf([id]: TicketEntry): Promise<string> {
  const [row] = await check.query<{ status: string }>('select status::text from actions where id = $1', [id]);
  return row!.status;
}

/** Holds the first who comes to the place: `reached` resolves then, and `release` lets it go on. */
function hold(place: Parameters<typeof onCheckpoint>[0]): { reached: Promise<void>; release: () => void } {
  const [reached, held] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let isFirst = true;
  undo.push(
    onCheckpoint(place, () => {
      if (!isFirst) return undefined;
      isFirst = false;
      reached.resolve();
      return held.promise;
    }),
    held.resolve,
  );
  return { reached: reached.promise, release: held.resolve };
}

describe('no wake-up is lost', () => {
  it('by an action that comes after the one before it was read, and before it was committed', async () => {
    const resource = randomUUID();
    const first = await accept(resource);
    const place = hold('apply.before-commit');
    const applying = applier.apply([first]);
    await place.reached;
    const second = await accept(resource);
    // Its ticket comes while the resource is locked: it is not done with that.
    expect(await applier.apply([second])).toMatchObject({ blocked: [second], known: [], next: [] });
    place.release();
    await applying;
    expect(await applier.apply([second])).toMatchObject({ blocked: [], known: [] });
    expect([await statusOf(first), await statusOf(second)]).toEqual(['succeeded', 'succeeded']);
  });

  it('behind a retry: the tickets behind it are done, and its own goes on with what they named', async () => {
    const resource = randomUUID();
    const [first, second, third] = [await accept(resource), await accept(resource), await accept(resource)];
    await retryLaterStatement(database, first[0], 60_000, 1);
    expect(await applier.apply([second, third])).toMatchObject({ blocked: [], more: [], known: [], next: [] });
    await retryLaterStatement(database, first[0], 0);
    // It has failed before, so it runs alone; whoever holds it goes on behind it.
    const joined = await applier.apply([first]);
    expect(joined.apart.map(({ id }) => id)).toEqual([first[0]]);
    expect(await applier.apply([first], { only: first[0] })).toMatchObject({ next: [second] });
    expect(await applier.apply([second])).toMatchObject({ blocked: [], next: [] });
    expect(await statusOf(third)).toBe('succeeded');
  });

  it('beyond the most that one transaction takes of a resource', async () => {
    const resource = randomUUID();
    const entries: TicketEntry[] = [];
    for (let number = 0; number < 120; number += 1) entries.push(await accept(resource));
    const stranger = await accept(randomUUID());
    const first = await applier.apply([entries[0]!, entries[119]!, stranger]);
    expect(first).toMatchObject({ blocked: [], more: [entries[119]], next: [] });
    expect(await statusOf(stranger)).toBe('succeeded');
    // Nobody names those behind: the ticket goes on all the same.
    expect(await applier.apply([entries[0]!])).toMatchObject({ more: [entries[0]], next: [] });
    for (let number = 0; number < 50; number += 1) entries.push(await accept(resource));
    const second = await applier.apply([entries[100]!]);
    expect(second.next).toEqual([entries[149]]);
    expect(await applier.apply(second.next)).toMatchObject({ more: [], next: [] });
    expect(await statusOf(entries[169]!)).toBe('succeeded');
  });

  it('behind the named one, where something waits for its parent', async () => {
    const [resource, parent] = [randomUUID(), randomUUID()];
    const named = await accept(resource);
    const before = await accept(parent);
    const waiting = { ...newAction(resource), parentId: parent };
    await ledger.accept([waiting]);
    const next: TicketEntry[] = [[waiting.id, resource, parent]];
    expect(await applier.apply([named])).toMatchObject({ blocked: [], next });
    expect(await applier.apply(next)).toMatchObject({ blocked: next });
    await applier.apply([before]);
    await applier.apply(next);
    expect([await statusOf(named), await statusOf(next[0]!)]).toEqual(['succeeded', 'succeeded']);
  });
});

describe('what is unfinished is read when its resource is locked:', () => {
  it('who has the lock behind another does not start what that one has started', async () => {
    const resource = randomUUID();
    const action = { ...newAction(resource), type: 'drills.edit', payload: {} };
    await ledger.accept([action]);
    const entry: TicketEntry = [action.id, resource];
    const place = hold('apply.before-commit');
    const starting = applier.apply([entry]);
    await place.reached;
    // The first goes on once the other has tried the lock, or has read: whichever it does first.
    const behind = applierOn(async () => {
      place.release();
      await starting;
    });
    const { started } = await behind.apply([entry]);
    expect((await starting).started.map(({ id }) => id)).toEqual([action.id]);
    expect(started).toEqual([]);
    await applier.apply([entry], { performed: new Map([[action.id, undefined]]) });
    expect(await statusOf(entry)).toBe('succeeded');
  });
});

describe('seq and the order of commits', () => {
  it('may differ for submits of strangers: who commits later is applied later, and neither waits', async () => {
    const resource = randomUUID();
    const early = newAction(resource, 'bob');
    const committing = Promise.withResolvers<void>();
    const drawn = Promise.withResolvers<void>();
    const transaction = database.transaction(async (sql) => {
      const queryThenFlush: Database['queryThenFlush'] = (text, values) => sql.query(text, values);
      await new Ledger({ queryThenFlush } as Database, history).accept([early]);
      drawn.resolve();
      await committing.promise;
    });
    await drawn.promise;
    const late = await accept(resource);
    expect(await applier.apply([late])).toMatchObject({ blocked: [] });
    expect(await statusOf(late)).toBe('succeeded');
    committing.resolve();
    await transaction;
    expect(await applier.apply([[early.id, resource]])).toMatchObject({ blocked: [] });
    expect(await statusOf([early.id, resource])).toBe('succeeded');
    const [order] = await check.query<{ swapped: boolean }>(
      `select a.seq > b.seq as swapped from actions a, actions b where a.id = $1 and b.id = $2`,
      [late[0], early.id],
    );
    expect(order!.swapped).toBe(true);
  });
});

describe('no deadlock', () => {
  it('when two end the same actions, named in opposite orders, at the same moment', async () => {
    const [one, two] = [await accept(randomUUID()), await accept(randomUUID(), 'bob')];
    const endings = [one, two].map(([id, resource_id], index): Ending => ({
      row: {
        id,
        owner: index === 0 ? 'alice' : 'bob',
        type: 'drills.delete',
        resource_id,
        submitted_at: new Date().toISOString(),
        traceparent: null,
      },
      status: 'cancelled',
      attempts: 0,
      response: null,
      error: { code: 'CANCELLED', title: 'cancelled', detail: 'cancelled' },
    }));
    // Both wait for the first action; then each would hold what the other needs, had they no common order.
    const [locked, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const blocker = database.transaction(async (sql) => {
      await sql.query('select from actions where id = $1 for update', [one[0]]);
      locked.resolve();
      await go.promise;
    });
    await locked.promise;
    const finishing = Promise.allSettled(
      [endings, endings.toReversed()].map((own) => database.transaction((sql) => ledger.finish(sql, own))),
    );
    await expect.poll(() => waitingForLocks()).toBe(2);
    go.resolve();
    await blocker;
    const results = await finishing;
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    const lost = results.find(({ status }) => status === 'rejected') as PromiseRejectedResult;
    expect(lost.reason).toBeInstanceOf(FinishedElsewhereError);
  });
});

async function waitingForLocks(): Promise<number> {
  const rows = await check.query(
    `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
  );
  return rows.length;
}

describe('a worker that freezes between its outcomes and its commit', () => {
  it("keeps the owner's other actions waiting for seconds only, and has done nothing", async () => {
    const place = hold('apply.before-commit');
    const frozen = await accept(randomUUID());
    const applying = applier.apply([frozen]).catch((error: unknown) => error);
    await place.reached;
    const startedAt = performance.now();
    const other = await accept(randomUUID());
    await eventually(() => applier.apply([other]));
    const tookMs = performance.now() - startedAt;
    expect(tookMs).toBeGreaterThan(500);
    expect(tookMs).toBeLessThan(8_000);
    expect([await statusOf(frozen), await statusOf(other)]).toEqual(['pending', 'succeeded']);
    place.release();
    // Going on, it learns that its transaction is over.
    expect(await applying).toBeInstanceOf(Error);
    await applier.apply([frozen]);
    expect((await check.report()).violations.filter((violation) => !violation.includes('accepted earlier'))).toEqual(
      [],
    );
  });
});
