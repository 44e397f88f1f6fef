import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
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

  it('is not asked for again when the same one was given, or none, or when it has expired', async () => {
    const expiry = inHours(1);
    const answers = [() => Promise.resolve({ tokenExpiresAt: expiry }), () => Promise.reject(new Error('none'))];
    for (const answer of answers) {
      const { ask, refresh } = setUp(answer);
      refresh.schedule(inHours(1));
      await vi.advanceTimersByTimeAsync(HOUR_MS);
      refresh.schedule(inHours(-1));
      await vi.advanceTimersByTimeAsync(HOUR_MS);
      expect(ask).toHaveBeenCalledTimes(1);
    }
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
});
