import { randomUUID } from 'node:crypto';
import { Logger } from '@nestjs/common';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { WorkerConfig } from '#config';
import type { Action } from '#contracts';
import type { Database } from '#database';
import {
  Ledger,
  LedgerHistory,
  newId,
  startPerformingStatement,
  unfinishedOfResourcesStatement,
  type UnfinishedRow,
} from '#ledger';
import type { TicketEntry, TicketQueue } from '#queue';
import { ledgerDatabase } from '#testing';
import { FailureService } from './failure.service.ts';
import { HandlerError } from './handlers.ts';

Logger.overrideLogger(false);

const addTickets = vi.fn<(type: string, entries: readonly TicketEntry[], options: { delayMs: number }) => void>();
const config = Object.assign(new WorkerConfig(), { MAX_ATTEMPTS: 100, RETRY_BACKOFF_MS: 500 });

let database: Database;
let ledger: Ledger;
let failures: FailureService;

beforeAll(async () => {
  database = await ledgerDatabase(3);
  ledger = new Ledger(database, new LedgerHistory(database));
  failures = new FailureService(database, ledger, { add: addTickets } as unknown as TicketQueue, config);
});

async function accepted(): Promise<{ row: UnfinishedRow; entry: TicketEntry }> {
  const [id, resourceId] = [newId(), randomUUID()];
  await ledger.accept([{ id, owner: 'alice', type: 'notes.edit', resourceId, payload: undefined, ttlSeconds: 60 }]);
  const [row] = await unfinishedOfResourcesStatement(database, [resourceId], 1);
  return { row: row!, entry: [id, resourceId] };
}

const failed = (row: UnfinishedRow, code: string): HandlerError =>
  new HandlerError([row], Object.assign(new Error('not today'), { code }));

const LOST = 'Connection terminated unexpectedly';

/** What is asked next is done, and nobody hears of it. */
function loseAnswer(): void {
  const query = database.query.bind(database);
  vi.spyOn(database, 'query').mockImplementationOnce(async (...asked) => {
    await query(...asked);
    throw new Error(LOST);
  });
}

describe('an action whose handler has failed', () => {
  it('waits twice as long before each further attempt, a minute at most, and up to half of it less', async () => {
    const { row, entry } = await accepted();
    for (let recorded = 1; recorded <= 12; recorded += 1) {
      addTickets.mockClear();
      expect(await failures.handle(failed(row, 'E'), entry, { recorded })).toMatchObject({ isRetried: true });
      const [[, , { delayMs }]] = addTickets.mock.calls as [[string, TicketEntry[], { delayMs: number }]];
      const longest = Math.min(500 * 2 ** (recorded - 1), 60_000);
      expect(delayMs).toBeGreaterThanOrEqual(longest / 2);
      // Its ticket comes a little later than it is due.
      expect(delayMs).toBeLessThanOrEqual(longest + 20);
    }
  });

  it.each(['22P02', '23505', '42703'])('by a statement that would fail again (%s) gets no retry', async (code) => {
    const { row, entry } = await accepted();
    const { envelopes } = await failures.handle(failed(row, code), entry);
    expect(envelopes.map(({ data }) => (data as Action).error?.code)).toEqual(['HANDLER_FAILED']);
    expect(await ledger.find('alice', row.id)).toMatchObject({ status: 'failed', attempts: 1 });
  });

  it.each(['57014', '53300', 'P0001', '42', 'ECONNREFUSED'])('otherwise (%s) gets one', async (code) => {
    const { row, entry } = await accepted();
    expect(await failures.handle(failed(row, code), entry)).toEqual({ envelopes: [], isRetried: true });
    expect(await ledger.find('alice', row.id)).toMatchObject({ status: 'pending', attempts: 1 });
  });

  it('has a ticket for its retry also where it is put back, and the answer of Postgres is lost', async () => {
    const { row, entry } = await accepted();
    loseAnswer();
    addTickets.mockClear();
    await expect(failures.handle(failed(row, 'E'), entry)).rejects.toThrow(LOST);
    expect(await ledger.find('alice', row.id)).toMatchObject({ status: 'pending', attempts: 1 });
    expect(addTickets.mock.calls.map(([, entries]) => entries)).toEqual([[entry]]);
  });

  it('goes on where it is performed also when its attempt is counted, and the answer of Postgres is lost', async () => {
    const { row } = await accepted();
    await startPerformingStatement(database, [row.id], 5_000);
    loseAnswer();
    expect(await failures.retryAtOnce(failed(row, 'E'))).toBeGreaterThan(0);
    expect(await ledger.find('alice', row.id)).toMatchObject({ status: 'running', attempts: 1 });
  });
});
