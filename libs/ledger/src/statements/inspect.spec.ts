import { randomUUID } from 'node:crypto';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Database } from '#database';
import { ledgerDatabase } from '#testing';
import { LedgerHistory } from '../ledger-history.ts';
import { Ledger } from '../ledger.service.ts';
import { newId } from '../new-id.ts';
import { backlogStatement } from './backlog.ts';
import {
  inspectActionsStatement,
  inspectActionStatement,
  recordRetryStatement,
  type InspectionFilter,
} from './inspect.ts';

let database: Database;
let ledger: Ledger;

beforeAll(async () => {
  database = await ledgerDatabase(2);
  ledger = new Ledger(database, new LedgerHistory(database));
});

beforeEach(() => database.query('delete from actions'));

async function accepted(owner: string, type = 'notes.create'): Promise<string> {
  const id = newId();
  await ledger.accept([{ id, owner, type, resourceId: randomUUID(), payload: undefined, ttlSeconds: 60 }]);
  return id;
}

const end = (id: string): Promise<unknown> =>
  database.query(`update actions set status = 'failed', finished_at = now() where id = $1`, [id]);

describe('operators', () => {
  it('see the actions of all, the newest first, or some of them', async () => {
    const [a, b, c] = [await accepted('alice'), await accepted('bob', 'notes.edit'), await accepted('alice')];
    await end(a);
    const read = async (filter: Partial<InspectionFilter> = {}) =>
      (await inspectActionsStatement(database, { limit: 10, ...filter })).map(({ id }) => id);
    expect(await read()).toEqual([c, b, a]);
    expect(await read({ limit: 2 })).toEqual([c, b]);
    expect(await read({ before: c })).toEqual([b, a]);
    expect(await read({ owner: 'alice' })).toEqual([c, a]);
    expect(await read({ type: 'notes.edit' })).toEqual([b]);
    expect(await read({ status: 'failed' })).toEqual([a]);
  });

  it('see which action stands for another one: the first that was noted', async () => {
    const [failed, retry, other] = [await accepted('alice'), await accepted('alice'), await accepted('alice')];
    await recordRetryStatement(database, failed, retry, 'operator');
    await recordRetryStatement(database, failed, other, 'operator');
    expect(await inspectActionStatement(database, failed)).toMatchObject({ retry_of: null, retried_by: retry });
    expect(await inspectActionStatement(database, retry)).toMatchObject({ retry_of: failed, retried_by: null });
    expect(await inspectActionStatement(database, other)).toMatchObject({ retry_of: null, retried_by: null });
    expect(await inspectActionStatement(database, randomUUID())).toBeUndefined();
  });
});

it('the backlog is what has no outcome, and the age of what came first', async () => {
  expect(await backlogStatement(database)).toEqual({ pending: 0, oldestPendingMs: 0 });
  const [ended, first] = [await accepted('alice'), await accepted('alice')];
  await accepted('alice');
  await end(ended);
  await database.query(`update actions set submitted_at = now() - interval '1 hour' where id = any($1)`, [
    [ended, first],
  ]);
  const { pending, oldestPendingMs } = await backlogStatement(database);
  expect(pending).toBe(2);
  expect(oldestPendingMs).toBeGreaterThanOrEqual(3_600_000);
  expect(oldestPendingMs).toBeLessThan(3_700_000);
});
