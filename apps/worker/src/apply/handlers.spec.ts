import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import type { ActionCatalogue } from '#actions';
import type { WorkerConfig } from '#config';
import type { Sql } from '#database';
import type { UnfinishedRow } from '#ledger';
import type { ActionToApply, PerformContext, Verb } from '#resources';
import { HandlerError, Handlers } from './handlers.ts';

const ROW = { id: 'a', type: 'mails.create', owner: 'alice', resource_id: 'r', payload: {} } as UnfinishedRow;

function setUp(verb: Partial<Verb>) {
  const catalogue = { find: () => ({ handler: verb }) } as unknown as ActionCatalogue;
  return new Handlers(catalogue, {} as WorkerConfig);
}

const contextOf = (signal: AbortSignal): PerformContext => ({ signal }) as PerformContext;

describe('Handlers', () => {
  it('do not start work that was withdrawn before its turn came', async () => {
    const perform = vi.fn<NonNullable<Verb['perform']>>(() => Promise.reject(new Error('nobody listens to this')));
    const withdrawn = AbortSignal.abort(new Error('cancelled'));
    await expect(setUp({ perform }).perform(ROW, contextOf(withdrawn))).rejects.toThrow(HandlerError);
    expect(perform).not.toHaveBeenCalled();
  });

  it('do not apply in a transaction that has no time left', async () => {
    const apply = vi.fn<Verb['apply']>(() => Promise.resolve([]));
    const over = AbortSignal.abort(new DOMException('too late', 'TimeoutError'));
    const answer = setUp({ apply }).apply({} as Sql, [ROW], new Map(), over);
    await expect(answer).rejects.toMatchObject({ isTimeout: true });
    expect(apply).not.toHaveBeenCalled();
  });

  it('give what has no payload an empty one, and its result along', async () => {
    const apply = vi.fn<Verb['apply']>(() => Promise.resolve([{ response: {} }]));
    const { signal } = new AbortController();
    await setUp({ apply }).apply({} as Sql, [{ ...ROW, payload: null }], new Map([[ROW.id, 'copy']]), signal);
    const [{ payload, performed }] = apply.mock.calls[0]![1] as [ActionToApply<object>];
    expect([payload, performed]).toEqual([{}, 'copy']);
  });

  it('give up work that does not heed its signal, and mind no failure of it afterwards', async () => {
    const { promise, reject } = Promise.withResolvers<never>();
    const withdrawal = new AbortController();
    const answer = setUp({ perform: () => promise }).perform(ROW, contextOf(withdrawal.signal));
    withdrawal.abort(new Error('cancelled'));
    await expect(answer).rejects.toMatchObject({ cause: { message: 'cancelled' } });
    reject(new Error('too late'));
    // An unhandled rejection would fail this run.
    await turn();
  });
});
