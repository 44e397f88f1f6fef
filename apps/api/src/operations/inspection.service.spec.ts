import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import type { ActionCatalogue, ActionsService } from '#actions';
import type { AcceptedAction, OutcomeStatus } from '#contracts';
import type { Database } from '#database';
import { Ledger, LedgerHistory, newId, type NewAction } from '#ledger';
import { ledgerDatabase } from '#testing';
import { InspectionService } from './inspection.service.ts';

let database: Database;
let ledger: Ledger;

beforeAll(async () => {
  database = await ledgerDatabase(2);
  ledger = new Ledger(database, new LedgerHistory(database));
});

class Note {
  text!: string;
}

/** An inspection of actions whose handler is so. */
function setUp(handler: { payload?: typeof Note; scope?: string } = { payload: Note }) {
  const action = { id: newId() } as AcceptedAction;
  const submit = vi.fn<ActionsService['submit']>(() => Promise.resolve({ action, replayed: false }));
  const catalogue = { get: () => ({ handler }) } as unknown as ActionCatalogue;
  const service = new InspectionService(database, { submit } as unknown as ActionsService, catalogue);
  return { service, submit, action };
}

async function ended(status: OutcomeStatus, given: Partial<NewAction> = {}): Promise<NewAction> {
  const [id, resourceId] = [newId(), randomUUID()];
  const action = { id, owner: 'alice', type: 'notes.edit', resourceId, payload: { a: 1 }, ttlSeconds: 60, ...given };
  await ledger.accept([action]);
  await database.query('update actions set status = $2, finished_at = now() where id = $1', [id, status]);
  return action;
}

describe('what an operator tries again', () => {
  it('is submitted as its owner has asked for it, with the scope that it needs and no other, once', async () => {
    const { service, submit, action } = setUp({ payload: Note, scope: 'announce' });
    const { id, resourceId, payload, type } = await ended('failed', { ifMatch: 3, traceparent: 'trace' });
    expect(await service.retry(id, 'operator')).toBe(action);
    expect(submit).toHaveBeenCalledExactlyOnceWith(
      { userId: 'alice', scopes: new Set(['announce']) },
      { type, resourceId, payload, idempotencyKey: `retry-of-${id}`, ifMatch: '3', traceparent: 'trace' },
    );
    expect(await service.get(id)).toMatchObject({ id, ifMatch: 3, retriedBy: action.id });
  });

  it('asks for nothing that its owner has not asked for', async () => {
    const { service, submit } = setUp({});
    const { id, resourceId, type } = await ended('expired', { payload: undefined });
    await service.retry(id, 'operator');
    expect(submit).toHaveBeenCalledExactlyOnceWith(
      { userId: 'alice', scopes: new Set() },
      { type, resourceId, payload: undefined, idempotencyKey: `retry-of-${id}` },
    );
  });

  it('is what failed or expired, and still says something', async () => {
    const { service, submit } = setUp();
    const refused = [await ended('succeeded'), await ended('cancelled'), await ended('failed', { payload: undefined })];
    for (const { id } of refused) {
      await expect(service.retry(id, 'operator')).rejects.toMatchObject({ code: 'VALIDATION_FAILED' });
      expect(await service.get(id)).toMatchObject({ retriedBy: null });
    }
    await expect(service.retry(newId(), 'operator')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(submit).not.toHaveBeenCalled();
  });
});
