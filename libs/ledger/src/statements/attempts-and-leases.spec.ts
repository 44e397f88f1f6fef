import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '#database';
import { eventually, ledgerDatabase } from '#testing';
import { LedgerHistory } from '../ledger-history.ts';
import { Ledger } from '../ledger.service.ts';
import { newId } from '../new-id.ts';
import {
  countAttemptStatement,
  firstUnfinishedStatement,
  forgetAttemptStatement,
  postponeStatement,
  recordAttemptStatement,
  retryLaterStatement,
} from './attempt.ts';
import {
  claimOrphansStatement,
  renewLeasesStatement,
  startPerformingStatement,
  stopPerformingStatement,
} from './perform.ts';

let database: Database;
let ledger: Ledger;

beforeAll(async () => {
  database = await ledgerDatabase(3);
  ledger = new Ledger(database, new LedgerHistory(database));
});

async function accepted(resourceId: string = randomUUID()): Promise<string> {
  const id = newId();
  await ledger.accept([{ id, owner: 'alice', type: 'notes.edit', resourceId, payload: undefined, ttlSeconds: 60 }]);
  return id;
}

/** What has an end: nothing changes it any more. */
async function ended(): Promise<string> {
  const id = await accepted();
  await database.query(`update actions set status = 'cancelled', finished_at = now() where id = $1`, [id]);
  return id;
}

interface Row {
  status: string;
  attempts: number;
  /** How long until it is due, in milliseconds. */
  dueInMs: number | null;
}

async function rowOf(id: string): Promise<Row> {
  const [row] = await database.query<Row>(
    `select status, attempts, (extract(epoch from run_at - clock_timestamp()) * 1000)::double precision as "dueInMs"
     from actions where id = $1`,
    [id],
  );
  return row!;
}

const MINUTE_MS = 60_000;
const MOST = 3;

describe('an attempt', () => {
  it('is recorded for the first on its resource that is due and has one left, and for no other', async () => {
    const resource = randomUUID();
    const [first, second] = [await accepted(resource), await accepted(resource)];
    const record = (id: string, most = MOST) => recordAttemptStatement(database, resource, id, most, 0);
    expect(await record(second)).toMatchObject({ id: first, attempt: null });
    expect(await record(first)).toMatchObject({ id: first, attempt: 1, waitMs: 0 });
    expect(await record(first, 1)).toMatchObject({ id: first, attempt: null });
    await retryLaterStatement(database, first, MINUTE_MS);
    const { waitMs, ...waiting } = (await record(first))!;
    expect(waiting).toMatchObject({ id: first, attempt: null });
    expect(waitMs).toBeGreaterThan(0);
    expect([(await rowOf(first)).attempts, (await rowOf(second)).attempts]).toEqual([1, 0]);
    expect(await firstUnfinishedStatement(database, resource)).toMatchObject({ id: first, attempt: null });
  });

  it('is of the first by its order, also when a clock was behind as the day changed', async () => {
    const resource = randomUUID();
    const [first, second] = [await accepted(resource), await accepted(resource)];
    const [row] = await database.query<{ id: string }>(
      `update actions set id = (left(uuidv7_at(now() - interval '1 day')::text, 24) || right(id::text, 12))::uuid
       where id = $1 returning id`,
      [second],
    );
    expect(await firstUnfinishedStatement(database, resource)).toMatchObject({ id: first });
    await database.query(`update actions set status = 'cancelled', finished_at = now() where id = $1`, [first]);
    expect(await firstUnfinishedStatement(database, resource)).toMatchObject({ id: row!.id });
  });

  it('is not recorded of what somebody is about to end', async () => {
    const resource = randomUUID();
    const id = await accepted(resource);
    const recording = await database.transaction(async (sql) => {
      await sql.query(`update actions set status = 'cancelled', finished_at = now() where id = $1`, [id]);
      const answer = recordAttemptStatement(database, resource, id, MOST, 0);
      await eventually(async () => {
        const waiting = `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
        expect(await database.query(waiting)).toHaveLength(1);
      });
      return { answer };
    });
    expect(await recording.answer).toMatchObject({ id, attempt: null });
    expect((await rowOf(id)).attempts).toBe(0);
  });

  it('is put off until the first says, and not beyond', async () => {
    const id = await accepted();
    await postponeStatement(database, id, MINUTE_MS);
    await postponeStatement(database, id, 10 * MINUTE_MS);
    const { dueInMs } = await rowOf(id);
    expect(dueInMs).toBeGreaterThan(0);
    expect(dueInMs).toBeLessThanOrEqual(MINUTE_MS);
  });

  it('puts back what was running, until its retry is due', async () => {
    const id = await accepted();
    await startPerformingStatement(database, [id], 1);
    expect(await retryLaterStatement(database, id, MINUTE_MS)).toBe(true);
    const { dueInMs, ...row } = await rowOf(id);
    expect(row).toEqual({ status: 'pending', attempts: 0 });
    expect(dueInMs).toBeGreaterThan(0);
  });

  it('is counted of what goes on being performed, and of nothing else; once, and none is left out', async () => {
    const [id, pending, done] = [await accepted(), await accepted(), await accepted()];
    await startPerformingStatement(database, [id, done], MINUTE_MS);
    await database.query(`update actions set status = 'cancelled', finished_at = now() where id = $1`, [done]);
    const count = (of: string, attempt: number) => countAttemptStatement(database, of, attempt);
    expect(await Promise.all([count(id, 1), count(id, 1)])).toEqual(expect.arrayContaining([true, false]));
    expect([await count(id, 1), await count(id, 3), await count(id, 2)]).toEqual([false, false, true]);
    expect([await count(pending, 1), await count(done, 1)]).toEqual([false, false]);
    const { dueInMs, ...row } = await rowOf(id);
    expect(row).toEqual({ status: 'running', attempts: 2 });
    expect(dueInMs).toBeGreaterThan(0);
    expect([(await rowOf(pending)).attempts, (await rowOf(done)).attempts]).toEqual([0, 0]);
  });

  it('is counted once also when it is asked for again, since the answer was lost', async () => {
    const [lost, late] = [await accepted(), await accepted()];
    await startPerformingStatement(database, [lost, late], MINUTE_MS);
    expect(await countAttemptStatement(database, lost, 1)).toBe(true);
    for (const id of [lost, late]) expect(await countAttemptStatement(database, id, 1, true)).toBe(true);
    expect([(await rowOf(lost)).attempts, (await rowOf(late)).attempts]).toEqual([1, 1]);
    expect(await countAttemptStatement(database, await ended(), 1, true)).toBe(false);
  });

  it('is counted with its retry, unless somebody has counted it', async () => {
    const id = await accepted();
    expect(await retryLaterStatement(database, id, 0, 2)).toBe(false);
    expect(await retryLaterStatement(database, id, 0, 1)).toBe(true);
    expect(await retryLaterStatement(database, id, MINUTE_MS, 1)).toBe(false);
    const { dueInMs, ...row } = await rowOf(id);
    expect(row).toEqual({ status: 'pending', attempts: 1 });
    expect(dueInMs).toBeLessThanOrEqual(0);
  });

  it('changes nothing of an action that has its end', async () => {
    const id = await ended();
    const before = await rowOf(id);
    expect(await retryLaterStatement(database, id, 0)).toBe(false);
    await forgetAttemptStatement(database, id);
    await postponeStatement(database, id, MINUTE_MS);
    await startPerformingStatement(database, [id], MINUTE_MS);
    expect(await renewLeasesStatement(database, [id], MINUTE_MS)).toEqual(new Set());
    expect(await claimOrphansStatement(database, [id], MINUTE_MS)).toEqual(new Set());
    expect(await rowOf(id)).toEqual(before);
  });
});

describe('a lease', () => {
  async function running(leaseMs: number): Promise<string> {
    const id = await accepted();
    await startPerformingStatement(database, [id], leaseMs);
    return id;
  }

  it('is renewed, and tells which are not performed any more', async () => {
    const [kept, back] = [await running(1), await running(1)];
    await retryLaterStatement(database, back, 0);
    expect(await renewLeasesStatement(database, [kept, back, await ended()], MINUTE_MS)).toEqual(new Set([kept]));
    expect((await rowOf(kept)).dueInMs).toBeGreaterThan(0);
  });

  it('begins anew for who takes it over', async () => {
    const id = await running(0);
    await startPerformingStatement(database, [id], MINUTE_MS);
    expect((await rowOf(id)).dueInMs).toBeGreaterThan(0);
  });

  it('ends where an action is put back as it was, whose turn has not come', async () => {
    const id = await running(MINUTE_MS);
    const [done, retried] = [await ended(), await running(0)];
    await retryLaterStatement(database, retried, MINUTE_MS, 1);
    const before = [await rowOf(done), (await rowOf(retried)).attempts];
    await stopPerformingStatement(database, [id, done, retried]);
    expect(await rowOf(id)).toEqual({ status: 'pending', attempts: 0, dueInMs: null });
    expect([await rowOf(done), (await rowOf(retried)).attempts]).toEqual(before);
    expect((await rowOf(retried)).dueInMs).toBeGreaterThan(0);
  });

  it('of an action that somebody is about to end is not waited for, and counts until that is done', async () => {
    const [ending, other] = [await running(0), await running(0)];
    await database.transaction(async (sql) => {
      await sql.query('select from actions where id = $1 for no key update', [ending]);
      expect(await renewLeasesStatement(database, [ending, other], MINUTE_MS)).toEqual(new Set([ending, other]));
    });
    expect((await rowOf(ending)).dueInMs).toBeLessThanOrEqual(0);
    expect((await rowOf(other)).dueInMs).toBeGreaterThan(0);
  });

  it('is taken over by one when it is over, and by nobody before that', async () => {
    const [orphan, held, pending] = [await running(0), await running(MINUTE_MS), await accepted()];
    const claim = () => claimOrphansStatement(database, [orphan, held, pending], MINUTE_MS);
    const claims = await Promise.all([claim(), claim()]);
    expect(claims.flatMap((ids) => Array.from(ids))).toEqual([orphan]);
    expect(await rowOf(pending)).toEqual({ status: 'pending', attempts: 0, dueInMs: null });
  });
});
