import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { TokenRefresh } from './token-refresh.ts';

const HOUR_MS = 3_600_000;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const inHours = (hours: number): string => new Date(Date.now() + hours * HOUR_MS).toISOString();

type Ask = () => Promise<{ tokenExpiresAt: string }>;

function setUp(answer: Ask) {
  const ask = vi.fn<Ask>(answer);
  return { ask, refresh: new TokenRefresh(ask) };
}

describe('a token', () => {
  it('is refreshed before it expires, and so is the one after it', async () => {
    const { ask, refresh } = setUp(() => Promise.resolve({ tokenExpiresAt: inHours(1) }));
    refresh.schedule(inHours(1));
    await vi.advanceTimersByTimeAsync(HOUR_MS / 2);
    expect(ask).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(HOUR_MS / 2);
    expect(ask).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(HOUR_MS);
    expect(ask).toHaveBeenCalledTimes(2);
    refresh.stop();
  });

  it('is asked for again after longer and longer pauses, until it expires, when none was given or the same one', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(1);
    onTestFinished(() => void vi.restoreAllMocks());
    const expiry = inHours(1);
    const answers = [() => Promise.resolve({ tokenExpiresAt: expiry }), () => Promise.reject(new Error('none'))];
    for (const answer of answers) {
      const left: number[] = [];
      const { refresh } = setUp(() => {
        left.push(Date.parse(expiry) - Date.now());
        return answer();
      });
      vi.setSystemTime(Date.parse(expiry) - HOUR_MS);
      refresh.schedule(expiry);
      await vi.advanceTimersByTimeAsync(2 * HOUR_MS);
      const seconds = left.map((ms) => ms / 1_000);
      expect(seconds).toEqual([60, 59.5, 58.5, 56.5, 52.5, 44.5, 34.5, 24.5, 14.5, 4.5]);
    }
  });

  it('is refreshed as ever once it was given after all', async () => {
    let asked = 0;
    const { ask, refresh } = setUp(async () => {
      asked += 1;
      if (asked === 1) throw new Error('none');
      return { tokenExpiresAt: inHours(1) };
    });
    refresh.schedule(inHours(1));
    await vi.advanceTimersByTimeAsync(HOUR_MS);
    expect(ask).toHaveBeenCalledTimes(2);
    await vi.advanceTimersByTimeAsync(HOUR_MS);
    expect(ask).toHaveBeenCalledTimes(3);
    refresh.stop();
  });

  it('is not asked for when it has expired already', async () => {
    const { ask, refresh } = setUp(() => Promise.resolve({ tokenExpiresAt: inHours(1) }));
    refresh.schedule(inHours(-1));
    await vi.advanceTimersByTimeAsync(HOUR_MS);
    expect(ask).not.toHaveBeenCalled();
  });

  it('that is valid for longer than a timer runs is left to the server', async () => {
    const { ask, refresh } = setUp(() => Promise.resolve({ tokenExpiresAt: inHours(1) }));
    refresh.schedule(inHours(24 * 365));
    await vi.advanceTimersByTimeAsync(24 * 60 * HOUR_MS);
    expect(ask).not.toHaveBeenCalled();
  });

  it('is not refreshed any more once that is stopped, be it while another one is asked for', async () => {
    const given = Promise.withResolvers<{ tokenExpiresAt: string }>();
    const { ask, refresh } = setUp(() => given.promise);
    refresh.schedule(inHours(1));
    refresh.stop();
    await vi.advanceTimersByTimeAsync(HOUR_MS);
    expect(ask).not.toHaveBeenCalled();
    refresh.schedule(inHours(1));
    await vi.advanceTimersByTimeAsync(HOUR_MS);
    refresh.stop();
    given.resolve({ tokenExpiresAt: inHours(1) });
    await vi.advanceTimersByTimeAsync(2 * HOUR_MS);
    expect(ask).toHaveBeenCalledTimes(1);
  });

  it('is not asked for again once that is stopped', async () => {
    const given = Promise.withResolvers<never>();
    const { ask, refresh } = setUp(() => given.promise);
    refresh.schedule(inHours(1));
    await vi.advanceTimersByTimeAsync(HOUR_MS - 30_000);
    refresh.stop();
    given.reject(new Error('none'));
    await vi.advanceTimersByTimeAsync(HOUR_MS);
    expect([ask.mock.calls.length, vi.getTimerCount()]).toEqual([1, 0]);
  });
});
