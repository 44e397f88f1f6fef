import { describe, expect, it } from 'vitest';
import type { AcceptedAction, Action } from '#contracts';
import { TidingsError } from '../tidings-error.ts';
import { PendingActions } from './pending-actions.ts';
import type { Intent } from './pending-entry.ts';

const INTENT: Intent = {
  idempotencyKey: 'key-0001',
  type: 'messages.create',
  resourceId: null,
  payload: { text: 'hello' },
  submittedAt: '2026-01-01T00:00:00.000Z',
};

function accepted(id: string): AcceptedAction {
  return {
    id,
    status: 'pending',
    done: false,
    resource: { type: 'messages', id: `r-${id}` },
    cursor: 'c',
  } as AcceptedAction;
}

function done(id: string): Action {
  return { ...accepted(id), status: 'succeeded', done: true };
}

function pendingActions(): { pending: PendingActions; changes: string[] } {
  const changes: string[] = [];
  const observer = { listChanged: () => changes.push('list'), keptChanged: () => changes.push('kept') };
  return { pending: new PendingActions([], observer), changes };
}

describe('pending actions', () => {
  it('are listed from the submit to the outcome, and kept once they are accepted', async () => {
    const { pending, changes } = pendingActions();
    const entry = pending.begin(INTENT);
    expect(pending.list).toMatchObject([{ ...INTENT, action: null }]);
    expect(pending.kept).toEqual([]);
    pending.accept(entry, accepted('1'));
    expect(pending.list).toMatchObject([{ resourceId: 'r-1', action: { id: '1' } }]);
    expect(pending.kept).toEqual([{ ...INTENT, resourceId: 'r-1', action: accepted('1') }]);
    pending.settle(done('1'));
    expect(await entry.outcome()).toEqual(done('1'));
    expect([pending.list, pending.kept]).toEqual([[], []]);
    expect(changes).toEqual(['list', 'kept', 'list', 'kept', 'list']);
  });

  it('are another array only when they have changed', () => {
    const { pending } = pendingActions();
    const before = pending.list;
    expect(pending.list).toBe(before);
    pending.settle(done('of another device'));
    expect(pending.list).toBe(before);
    pending.begin(INTENT);
    expect(pending.list).not.toBe(before);
  });

  it('have their outcome even if it comes before the 202', async () => {
    const { pending } = pendingActions();
    const entry = pending.begin(INTENT);
    pending.settle(done('1'));
    pending.accept(entry, accepted('1'));
    expect(await entry.outcome()).toEqual(done('1'));
    expect(pending.list).toEqual([]);
  });

  it('have it at once when it comes with the 202', async () => {
    const { pending } = pendingActions();
    const entry = pending.begin(INTENT);
    pending.accept(entry, { ...accepted('1'), ...done('1') });
    expect(await entry.outcome()).toEqual(done('1'));
    expect([pending.list, pending.kept]).toEqual([[], []]);
  });

  it('of the client before are listed, and have their outcome', async () => {
    const kept = { ...INTENT, resourceId: 'r-1', action: accepted('1') };
    const pending = new PendingActions([kept], { listChanged: () => undefined, keptChanged: () => undefined });
    const [entry] = pending.list;
    expect(pending.list).toMatchObject([kept]);
    pending.settle(done('1'));
    expect(await entry!.outcome()).toEqual(done('1'));
    expect(pending.list).toEqual([]);
  });

  it('remember no outcome that came while no submit was under way, whatever became of those before', () => {
    const { pending } = pendingActions();
    pending.refuse(pending.begin(INTENT), new TidingsError('VALIDATION_FAILED', 'no'));
    pending.settle(done('1'));
    const other = pending.begin(INTENT);
    pending.settle(done('2'));
    pending.accept(other, accepted('1'));
    pending.accept(pending.begin(INTENT), accepted('2'));
    expect(['1', '2'].map((id) => pending.isUnanswered(id))).toEqual([true, true]);
  });

  it('remember an outcome only while a submit is under way that began before it', async () => {
    const { pending } = pendingActions();
    const first = pending.begin(INTENT);
    pending.settle(done('1'));
    // Submits overlap all the time, so there is never a moment without one.
    const second = pending.begin(INTENT);
    pending.accept(first, accepted('2'));
    pending.accept(second, accepted('1'));
    expect(pending.isUnanswered('1')).toBe(true);
    pending.settle(done('1'));
    expect(await second.outcome()).toEqual(done('1'));
  });

  it('have it also when submits that began later, or ended sooner, are done with', async () => {
    const { pending } = pendingActions();
    const first = pending.begin(INTENT);
    pending.settle(done('1'));
    const second = pending.begin(INTENT);
    const third = pending.begin(INTENT);
    pending.accept(third, accepted('3'));
    pending.refuse(second, new TidingsError('VALIDATION_FAILED', 'no'));
    pending.accept(first, accepted('1'));
    expect(await first.outcome()).toEqual(done('1'));
  });

  it('are one when they were submitted twice with the same key', async () => {
    const { pending } = pendingActions();
    const entries = [pending.begin(INTENT), pending.begin(INTENT)];
    for (const entry of entries) pending.accept(entry, accepted('1'));
    expect(pending.list).toHaveLength(1);
    pending.settle(done('1'));
    expect(await Promise.all(entries.map((entry) => entry.outcome()))).toEqual([done('1'), done('1')]);
  });

  it('reject when they are not accepted, or not known any more', async () => {
    const { pending, changes } = pendingActions();
    const [refused, forgotten] = [pending.begin(INTENT), pending.begin(INTENT)];
    pending.refuse(refused, new TidingsError('VALIDATION_FAILED', 'no'));
    expect(changes).toEqual(['list', 'list', 'list']);
    pending.accept(forgotten, accepted('1'));
    pending.forget('1', new TidingsError('NOT_FOUND', 'no'));
    await expect(refused.outcome()).rejects.toMatchObject({ code: 'VALIDATION_FAILED' });
    await expect(forgotten.outcome()).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(pending.list).toEqual([]);
  });

  it('can be waited for again after an error that need not stay', async () => {
    const { pending } = pendingActions();
    const entry = pending.begin(INTENT);
    pending.accept(entry, accepted('1'));
    const waiting = entry.outcome();
    pending.rejectForNow('1', new TidingsError('UNAUTHENTICATED', 'no'));
    await expect(waiting).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    pending.settle(done('1'));
    expect(await entry.outcome()).toEqual(done('1'));
  });
});
