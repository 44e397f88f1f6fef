import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { AcceptedAction, Action, ProblemCode } from '#contracts';
import { TidingsError } from '../tidings-error.ts';
import { LedgerInquiry } from './ledger-inquiry.ts';
import { PendingActions, type KeptAction } from './pending-actions.ts';

/** More than any pause offline, in milliseconds. */
const LONG = 20_000;

function kept(id: string): KeptAction {
  const action = { id, status: 'pending', done: false, resource: { type: 'messages', id }, cursor: 'c' };
  const intent = { idempotencyKey: id, type: 'messages.create', resourceId: null, payload: {}, submittedAt: '' };
  return { ...intent, action: action as AcceptedAction };
}

/** Twenty unanswered actions, and when the ledger was asked about one, in milliseconds from the beginning. */
function inquiryOf(answer: (id: string) => Promise<Action>): { inquiry: LedgerInquiry; askedAt: number[] } {
  const all = Array.from({ length: 20 }, (_, index) => kept(`${index}`));
  const pending = new PendingActions(all, { listChanged: () => undefined, keptChanged: () => undefined });
  const askedAt: number[] = [];
  const startedAt = Date.now();
  const get = (id: string): Promise<Action> => {
    askedAt.push(Date.now() - startedAt);
    return answer(id);
  };
  return { inquiry: new LedgerInquiry({ pending, get, isOnline: () => false }), askedAt };
}

function refusing(code: ProblemCode, retryAfterMs?: number): (id: string) => Promise<Action> {
  return () => Promise.reject(new TidingsError(code, 'no', { retryAfterMs }));
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('an inquiry of many actions', () => {
  it.each(['RATE_LIMITED', 'UNAVAILABLE'] as const)(
    'ends at the first answer that is %s, and begins again when the server said',
    async (code) => {
      const { inquiry, askedAt } = inquiryOf(refusing(code, 5_000));
      inquiry.restart();
      await vi.advanceTimersByTimeAsync(1_000);
      expect(askedAt).toHaveLength(4);
      inquiry.restart();
      await vi.advanceTimersByTimeAsync(LONG);
      inquiry.close();
      expect(askedAt[4]! - askedAt[0]!).toBeGreaterThan(5_000);
      expect(new Set(askedAt.slice(0, 4)).size).toBe(1);
    },
  );

  it('ends also without a time, and begins again after a pause', async () => {
    const { inquiry, askedAt } = inquiryOf(refusing('UNAVAILABLE'));
    inquiry.restart();
    await vi.advanceTimersByTimeAsync(LONG);
    inquiry.close();
    const rounds = Map.groupBy(askedAt, (time) => time);
    expect(rounds.size).toBeGreaterThan(1);
    expect(Math.max(...[...rounds.values()].map(({ length }) => length))).toBe(4);
  });

  it('asks about what was left out in the round before', async () => {
    const asked = new Set<string>();
    let isOverloaded = true;
    const { inquiry } = inquiryOf((id) => {
      if (isOverloaded) return refusing('RATE_LIMITED', 1_000)(id);
      asked.add(id);
      return Promise.resolve({ id, done: false } as Action);
    });
    inquiry.restart();
    await vi.advanceTimersByTimeAsync(800);
    isOverloaded = false;
    await vi.advanceTimersByTimeAsync(LONG);
    inquiry.close();
    expect(asked.size).toBe(20);
  });

  it('asks about each of them once, for all who want to know at the same time', async () => {
    const { inquiry, askedAt } = inquiryOf(refusing('INTERNAL'));
    const ids = Array.from({ length: 20 }, (_, index) => `${index}`);
    await Promise.all([inquiry.ask(ids), inquiry.ask(ids)]);
    expect(askedAt).toHaveLength(20);
    await inquiry.ask(ids);
    inquiry.close();
    expect(askedAt).toHaveLength(40);
  });

  it('goes on after any other error', async () => {
    const { inquiry, askedAt } = inquiryOf(refusing('INTERNAL'));
    await inquiry.ask(Array.from({ length: 20 }, (_, index) => `${index}`));
    inquiry.close();
    expect(askedAt).toHaveLength(20);
  });
});
