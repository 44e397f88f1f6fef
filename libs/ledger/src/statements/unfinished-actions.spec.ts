import { randomUUID } from 'node:crypto';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Database } from '#database';
import { ledgerDatabase } from '#testing';
import { LedgerHistory } from '../ledger-history.ts';
import { Ledger, type NewAction } from '../ledger.service.ts';
import { newId } from '../new-id.ts';
import { isAnyDueStatement } from './due.ts';
import { overdueStatement } from './overdue.ts';
import {
  busyResourcesStatement,
  isAnyUnfinishedStatement,
  oldestUnfinishedStatement,
  unfinishedOfResourcesStatement,
} from './unfinished.ts';

let database: Database;
let ledger: Ledger;

beforeAll(async () => {
  database = await ledgerDatabase(2);
  ledger = new Ledger(database, new LedgerHistory(database));
});

beforeEach(() => database.query('delete from actions'));

async function accepted(resourceId: string, given: Partial<NewAction> = {}): Promise<string> {
  const id = newId();
  const action = { id, owner: 'alice', type: 'notes.edit', resourceId, payload: undefined, ttlSeconds: 60, ...given };
  await ledger.accept([action]);
  return id;
}

/** As SQL says: `status = 'running'`. */
const change = (id: string, to: string): Promise<unknown> =>
  database.query(`update actions set ${to} where id = $1`, [id]);

const end = (id: string): Promise<unknown> => change(id, `status = 'succeeded', finished_at = now()`);

/** Gives it an id of the day before, as a clock makes it that is behind as the day changes. */
async function moveToYesterday(id: string): Promise<string> {
  const [row] = await database.query<{ id: string }>(
    `update actions set id = (left(uuidv7_at(now() - interval '1 day')::text, 24) || right(id::text, 12))::uuid
     where id = $1 returning id`,
    [id],
  );
  return row!.id;
}

const ALL = { after: 0, upTo: Number.MAX_SAFE_INTEGER };

describe('the unfinished actions of resources', () => {
  it('come in the order in which they were accepted, so many of each', async () => {
    const [one, other] = [randomUUID(), randomUUID()];
    const ids: string[] = [];
    for (let count = 0; count < 3; count += 1) ids.push(await accepted(one), await accepted(other));
    const read = async (mostEach: number) =>
      (await unfinishedOfResourcesStatement(database, [one, other], mostEach)).map(({ id }) => id);
    expect(await read(2)).toEqual(ids.slice(0, 4));
    await end(ids[0]!);
    expect(await read(2)).toEqual(ids.slice(1, 5));
  });

  it('come in that order also when a clock was behind as the day changed', async () => {
    const resource = randomUUID();
    const first = await accepted(resource);
    const second = await moveToYesterday(await accepted(resource));
    const read = async (mostEach: number) =>
      (await unfinishedOfResourcesStatement(database, [resource], mostEach)).map(({ id }) => id);
    expect([await read(2), await read(1)]).toEqual([[first, second], [first]]);
  });

  it('wait for what their owner has asked of their parent before, and for nothing else there', async () => {
    const [parent, child] = [randomUUID(), randomUUID()];
    const waits = async (): Promise<boolean> =>
      (await unfinishedOfResourcesStatement(database, [child], 1))[0]!.parent_unfinished;
    await accepted(parent, { owner: 'bob' });
    const before = await accepted(parent);
    await accepted(child, { parentId: parent });
    await accepted(parent);
    expect(await waits()).toBe(true);
    await change(before, `status = 'running'`);
    expect(await waits()).toBe(true);
    await end(before);
    expect(await waits()).toBe(false);
  });

  it('are delayed until their retry is due', async () => {
    const resource = randomUUID();
    const id = await accepted(resource);
    const isDelayed = async (): Promise<boolean[]> => {
      const [row] = await unfinishedOfResourcesStatement(database, [resource], 1);
      return [row!.delayed, row!.due_soon];
    };
    expect(await isDelayed()).toEqual([false, false]);
    await change(id, `run_at = now() + interval '1 minute'`);
    expect(await isDelayed()).toEqual([true, false]);
    await change(id, `run_at = now() + interval '1.9 seconds'`);
    expect(await isDelayed()).toEqual([true, true]);
    await change(id, `run_at = now()`);
    expect(await isDelayed()).toEqual([false, false]);
  });

  it('are overdue once their time is over', async () => {
    const resource = randomUUID();
    const id = await accepted(resource);
    const isOverdue = async (): Promise<boolean> =>
      (await unfinishedOfResourcesStatement(database, [resource], 1))[0]!.overdue;
    expect(await isOverdue()).toBe(false);
    await change(id, `expires_at = now()`);
    expect(await isOverdue()).toBe(true);
  });

  it('make a resource busy, be they pending or running', async () => {
    const resources = [randomUUID(), randomUUID(), randomUUID()];
    const [pending, running] = resources as [string, string];
    await accepted(pending);
    await change(await accepted(running), `status = 'running'`);
    await end(await accepted(resources[2]!));
    expect(await busyResourcesStatement(database, resources)).toEqual(new Set([pending, running]));
  });
});

describe('the oldest unfinished actions', () => {
  const AGE_MS = 5_000;
  const long = `submitted_at = now() - interval '1 minute'`;

  const read = (limit = 10, piece = ALL) => oldestUnfinishedStatement(database, AGE_MS, limit, piece);
  const oldest = async (...asked: Parameters<typeof read>) => (await read(...asked)).map(({ id }) => id);

  it('are those that have been due for long: the first of each resource, and no more than asked for', async () => {
    const [one, other] = [randomUUID(), randomUUID()];
    const ids = [await accepted(one), await accepted(one), await accepted(other)];
    expect(await oldest()).toEqual([]);
    for (const id of ids) await change(id, long);
    expect(await oldest()).toEqual([ids[0], ids[2]]);
    expect(await oldest(1)).toEqual([ids[0]]);
    const { seq } = (await read())[0]!;
    expect(await oldest(10, { ...ALL, after: seq })).toEqual([ids[2]]);
    expect(await oldest(10, { ...ALL, upTo: seq })).toEqual([ids[0]]);
    await end(ids[0]!);
    expect(await oldest()).toEqual([ids[1], ids[2]]);
  });

  it('are not those that wait for a retry, or have just been due for one', async () => {
    const id = await accepted(randomUUID());
    await change(id, `${long}, run_at = now() + interval '1 minute'`);
    expect(await oldest()).toEqual([]);
    await change(id, `run_at = now()`);
    expect(await oldest()).toEqual([]);
    await change(id, `run_at = now() - interval '1 minute', status = 'running'`);
    expect(await read()).toMatchObject([{ id, isRunning: true }]);
  });
});

describe('actions whose time is over', () => {
  it('are those that are unfinished, in the order in which they were accepted, and no more than asked for', async () => {
    const over = `expires_at = now()`;
    const [first, ended, later] = [
      await accepted(randomUUID()),
      await accepted(randomUUID()),
      await accepted(randomUUID()),
    ];
    await accepted(randomUUID());
    for (const id of [first, ended, later]) await change(id, over);
    await end(ended);
    const second = await moveToYesterday(later);
    const overdue = async (limit: number) => (await overdueStatement(database, limit, ALL)).map(({ id }) => id);
    expect([await overdue(9), await overdue(1)]).toEqual([[first, second], [first]]);
  });
});

describe('whether there is anything', () => {
  const MINUTE_MS = 60_000;

  it('unfinished for so long', async () => {
    const isAny = (olderThanMs: number): Promise<boolean> => isAnyUnfinishedStatement(database, olderThanMs);
    expect(await isAny(0)).toBe(false);
    const id = await accepted(randomUUID());
    expect([await isAny(0), await isAny(MINUTE_MS)]).toEqual([true, false]);
    await change(id, `submitted_at = now() - interval '1 hour'`);
    expect(await isAny(MINUTE_MS)).toBe(true);
    await end(id);
    expect(await isAny(0)).toBe(false);
  });

  it('due within so long', async () => {
    const isAny = (withinMs: number): Promise<boolean> => isAnyDueStatement(database, withinMs);
    expect(await isAny(MINUTE_MS)).toBe(false);
    const id = await accepted(randomUUID());
    expect(await isAny(0)).toBe(true);
    await change(id, `run_at = now() + interval '30 seconds'`);
    expect([await isAny(0), await isAny(MINUTE_MS)]).toEqual([false, true]);
    await change(id, `run_at = null`);
    await end(id);
    expect(await isAny(MINUTE_MS)).toBe(false);
  });
});
