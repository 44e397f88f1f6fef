import { randomUUID } from 'node:crypto';
import { beforeEach, expect, it, vi } from 'vitest';
import type { Database } from '#database';
import { Ledger, LedgerHistory, newId } from '#ledger';
import type { TicketCounts, TicketQueue } from '#queue';
import { eventually, ledgerDatabase } from '#testing';
import { untilDrained } from './until-drained.ts';

const NOTHING: TicketCounts = { waiting: 0, active: 0, delayed: 0 };

const counts = vi.fn<() => Promise<TicketCounts | null>>();

let database: Database;
let isDrained: boolean;
let drained: Promise<void>;

beforeEach(async () => {
  database = await ledgerDatabase(2);
  counts.mockReset().mockResolvedValue(NOTHING);
  isDrained = false;
});

function begin(): void {
  drained = untilDrained(database, { counts } as unknown as TicketQueue).finally(() => (isDrained = true));
}

/** It has looked several times, and stays. */
async function expectToStay(): Promise<void> {
  const { length } = counts.mock.calls;
  await eventually(() => expect(counts.mock.calls.length).toBeGreaterThan(length + 2));
  expect(isDrained).toBe(false);
}

it.each([
  ['a ticket waits', { ...NOTHING, waiting: 1 }],
  ['a ticket is in hand', { ...NOTHING, active: 1 }],
  ['Redis does not say', null],
])('stays while %s, and ends then; not for what comes later', async (_, some) => {
  counts.mockResolvedValue(some);
  begin();
  await expectToStay();
  counts.mockResolvedValue({ ...NOTHING, delayed: 1 });
  await expect(drained).resolves.toBeUndefined();
});

it('stays while an action is to be done soon, be it without a ticket, and while that cannot be known', async () => {
  const id = newId();
  const action = { id, owner: 'alice', type: 'notes.edit', resourceId: randomUUID(), payload: undefined };
  await new Ledger(database, new LedgerHistory(database)).accept([{ ...action, ttlSeconds: 60 }]);
  begin();
  await expectToStay();
  const query = vi.spyOn(database, 'query').mockRejectedValue(new Error('away'));
  await expectToStay();
  query.mockRestore();
  const retryIn = (interval: string) =>
    database.query('update actions set run_at = now() + $2::interval where id = $1', [id, interval]);
  await retryIn('5 s');
  await expectToStay();
  await retryIn('1 min');
  await expect(drained).resolves.toBeUndefined();
});
