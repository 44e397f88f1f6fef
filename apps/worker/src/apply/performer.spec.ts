import { Logger } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { WorkerConfig } from '#config';
import type { Database } from '#database';
import type { ActionLog } from '#telemetry';
import type { Handlers } from './handlers.ts';
import { Performer } from './performer.ts';
import type { ProgressReporter } from './progress.ts';

Logger.overrideLogger(false);

/** Renews leases: resolves to those that are being performed still. */
const renew = vi.fn<(ids: readonly string[]) => Promise<readonly string[]>>();

let performer: Performer;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
  renew.mockReset().mockImplementation((ids) => Promise.resolve(ids));
  const query = async (_: string, [ids]: [string[]]) => (await renew(ids)).map((id) => ({ id }));
  performer = new Performer(
    {} as Handlers,
    { query } as unknown as Database,
    {} as ProgressReporter,
    {} as ActionLog,
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
