import { Logger } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { WorkerConfig } from '#config';
import type { Database } from '#database';
import type { UnfinishedRow } from '#ledger';
import type { PerformContext } from '#resources';
import type { ActionLog } from '#telemetry';
import { HandlerError, type Handlers } from './handlers.ts';
import { LapsedError, Performer } from './performer.ts';
import type { ProgressReporter } from './progress.ts';

Logger.overrideLogger(false);

/** Renews leases: resolves to those that are being performed still. */
const renew = vi.fn<(ids: readonly string[]) => Promise<readonly string[]>>();

let performer: Performer;

/** What is being performed. */
const works = new Map<string, PromiseWithResolvers<void>>();

/** Called when an action has no further progress to tell. */
const endProgress = vi.fn<() => void>();

const PERFORM_TIMEOUT_MS = 10_000;

const handlers = {
  performTimeoutOf: () => PERFORM_TIMEOUT_MS,
  perform: (row: UnfinishedRow, { signal }: PerformContext) => {
    const work = Promise.withResolvers<void>();
    works.set(row.id, work);
    signal.addEventListener('abort', () => work.reject(signal.reason));
    if (signal.aborted) work.reject(signal.reason);
    return work.promise
      .catch((error: unknown) => {
        throw new HandlerError([row], error);
      })
      .finally(() => works.delete(row.id));
  },
} as unknown as Handlers;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'setTimeout', 'clearTimeout', 'performance'] });
  works.clear();
  endProgress.mockClear();
  renew.mockReset().mockImplementation((ids) => Promise.resolve(ids));
  const query = async (_: string, [ids]: [string[]]) => (await renew(ids)).map((id) => ({ id }));
  performer = new Performer(
    handlers,
    { query } as unknown as Database,
    { of: () => ({ report: () => undefined, end: endProgress }) } as unknown as ProgressReporter,
    { note: () => undefined } as unknown as ActionLog,
    { PERFORM_CONCURRENCY: 1 } as WorkerConfig,
  );
});

afterEach(() => {
  performer.onApplicationShutdown();
  vi.useRealTimers();
});

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

describe('a lease', () => {
  it('holds for sure for three seconds, and for as long again after it was renewed', async () => {
    performer.hold('a');
    await pass(60_000);
    expect(performer.holds('a')).toBe(true);
    renew.mockRejectedValue(new Error('away'));
    await pass(2_999);
    expect(performer.holds('a')).toBe(true);
    await pass(1);
    expect(performer.holds('a')).toBe(false);
  });

  it('holds from the moment at which its renewal was asked for, not from that of the answer', async () => {
    const answer = Promise.withResolvers<readonly string[]>();
    performer.hold('a');
    renew.mockReturnValueOnce(answer.promise).mockRejectedValue(new Error('away'));
    await pass(1_900);
    answer.resolve(['a']);
    await pass(2_099);
    expect(performer.holds('a')).toBe(true);
    await pass(1);
    expect(performer.holds('a')).toBe(false);
  });

  it('is not sure again once it may have been over', async () => {
    performer.hold('a');
    renew.mockRejectedValueOnce(new Error('away'));
    renew.mockRejectedValueOnce(new Error('away'));
    renew.mockRejectedValueOnce(new Error('away'));
    await pass(10_000);
    expect(renew.mock.calls.length).toBeGreaterThan(3);
    expect(performer.holds('a')).toBe(false);
  });

  it('ends when it is released, and nobody holds what is unknown', async () => {
    performer.hold('a');
    performer.release('a');
    await pass(1_000);
    expect(renew).not.toHaveBeenCalled();
    expect([performer.holds('a'), performer.isCalledOff('a')]).toEqual([false, true]);
  });

  it('is renewed together with others, until the process ends', () => {
    for (const id of ['a', 'b']) performer.hold(id);
    expect(vi.getTimerCount()).toBe(1);
    performer.onApplicationShutdown();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('stays the one that it is when it is asked for again', async () => {
    performer.hold('a');
    renew.mockRejectedValue(new Error('away'));
    await pass(2_000);
    performer.hold('a');
    performer.callOff('a', 'for a reason');
    performer.hold('a');
    await pass(1_000);
    expect([performer.holds('a'), performer.isCalledOff('a')]).toEqual([false, true]);
  });
});

describe('an action', () => {
  it('is called off when it has its outcome, and no other is', async () => {
    const { withdrawn } = performer.hold('a');
    performer.hold('b');
    renew.mockResolvedValue(['b']);
    await pass(1_000);
    expect(withdrawn.signal.reason).toMatchObject({ name: 'AbortError' });
    expect([performer.isCalledOff('a'), performer.isCalledOff('b')]).toEqual([true, false]);
  });

  it('is not called off when it was put back while its lease was renewed, and begun anew', async () => {
    const answer = Promise.withResolvers<readonly string[]>();
    performer.hold('a');
    renew.mockReturnValueOnce(answer.promise);
    await pass(1_000);
    performer.release('a');
    performer.hold('a');
    answer.resolve([]);
    await pass(0);
    expect(performer.isCalledOff('a')).toBe(false);
  });

  it('does not wait for its next attempt when it is called off', async () => {
    performer.hold('a');
    const pause = performer.pause('a', 60_000);
    performer.callOff('a', 'for a reason');
    await expect(pause).resolves.toBeUndefined();
  });

  it('is called off once, however long the one who performs it does not heed that', async () => {
    const log = vi.spyOn(Logger.prototype, 'log');
    performer.hold('a');
    renew.mockResolvedValue([]);
    await pass(5_000);
    expect(log).toHaveBeenCalledTimes(1);
    log.mockRestore();
  });
});

describe('performing', () => {
  const perform = (id: string, attempt = 1) => {
    const performed = performer.perform({ id, type: 'notes.copy' } as UnfinishedRow, attempt);
    performed.catch(() => undefined);
    return performed;
  };
  const underWay = () => [...works.keys()].join(' ');
  const end = async (id: string) => {
    works.get(id)!.resolve();
    await pass(0);
  };

  it('takes turns where there is room for one, in the order of their coming', async () => {
    for (const id of ['a', 'b', 'c']) void perform(id);
    await pass(0);
    expect([underWay(), performer.free, performer.busy]).toEqual(['a', 0, 1]);
    await end('a');
    expect(underWay()).toBe('b');
    await end('b');
    await end('c');
    expect([underWay(), performer.free, performer.busy]).toEqual(['', 1, 0]);
  });

  it('gives the turn of one that is called off while it waits to the next', async () => {
    const [, second] = ['a', 'b', 'c'].map((id) => perform(id));
    await pass(0);
    performer.callOff('b', 'for a reason');
    await expect(second).rejects.toThrow(HandlerError);
    await end('a');
    expect(underWay()).toBe('c');
    await end('c');
    expect(performer.free).toBe(1);
  });

  it('leaves the others their turns when one is called off that had waited for its own', async () => {
    for (const id of ['a', 'b', 'c']) void perform(id);
    await pass(0);
    await end('a');
    performer.callOff('b', 'for a reason');
    await pass(0);
    expect([underWay(), performer.free]).toEqual(['c', 0]);
    await end('c');
    expect(performer.free).toBe(1);
  });

  it('does not begin when its lease may be over by the time that there is room', async () => {
    const [, second, third] = ['a', 'b', 'c'].map((id) => perform(id));
    await pass(0);
    renew.mockRejectedValue(new Error('away'));
    await pass(3_000);
    await end('a');
    for (const late of [second, third]) await expect(late).rejects.toThrow(LapsedError);
    expect([underWay(), performer.free]).toEqual(['', 1]);
  });

  it('waits for no room when it is called off already', async () => {
    void perform('a');
    performer.hold('b');
    performer.callOff('b', 'for a reason');
    await expect(perform('b')).rejects.toThrow(HandlerError);
    expect(performer.free).toBe(0);
  });

  it('has its time in each attempt', async () => {
    const first = perform('a', 1);
    await pass(PERFORM_TIMEOUT_MS - 1);
    works.get('a')!.reject(new Error('not today'));
    await expect(first).rejects.toThrow(HandlerError);
    const second = perform('a', 2);
    await pass(PERFORM_TIMEOUT_MS - 1);
    expect(performer.isCalledOff('a')).toBe(false);
    await pass(1);
    await expect(second).rejects.toMatchObject({ isTimeout: true });
    expect(performer.isCalledOff('a')).toBe(true);
  });

  it('tells nothing of its progress after its end, be it good or bad', async () => {
    void perform('a');
    void perform('b');
    await pass(0);
    expect(endProgress).not.toHaveBeenCalled();
    await end('a');
    expect(endProgress).toHaveBeenCalledTimes(1);
    works.get('b')!.reject(new Error('not today'));
    await pass(0);
    expect(endProgress).toHaveBeenCalledTimes(2);
  });
});
