import { randomUUID } from 'node:crypto';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Database } from '#database';
import { ledgerDatabase } from '#testing';
import { LedgerHistory } from '../ledger-history.ts';
import { Ledger, type NewAction } from '../ledger.service.ts';
import { newId } from '../new-id.ts';
import { busyResourcesStatement, oldestUnfinishedStatement, unfinishedOfResourcesStatement } from './unfinished.ts';

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
    const isDelayed = async (): Promise<boolean> =>
      (await unfinishedOfResourcesStatement(database, [resource], 1))[0]!.delayed;
    expect(await isDelayed()).toBe(false);
    await change(id, `run_at = now() + interval '1 minute'`);
    expect(await isDelayed()).toBe(true);
    await change(id, `run_at = now()`);
    expect(await isDelayed()).toBe(false);
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

  const ALL = { after: 0, upTo: Number.MAX_SAFE_INTEGER };
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
