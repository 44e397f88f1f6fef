import { describe, expect, it } from 'vitest';
import { fullJitter, retryAfterMs } from './retry.ts';

describe('fullJitter', () => {
  it('is anything from nothing to a ceiling that doubles, up to the most', () => {
    for (const [attempt, ceiling] of [
      [0, 100],
      [1, 200],
      [3, 800],
      [10, 1_000],
      [1_000_000, 1_000],
    ] as const) {
      const pauses = Array.from({ length: 500 }, () => fullJitter(attempt, { baseMs: 100, mostMs: 1_000 }));
      expect(Math.max(...pauses)).toBeLessThanOrEqual(ceiling);
      expect(Math.max(...pauses)).toBeGreaterThan(ceiling * 0.9);
      expect(Math.min(...pauses)).toBeLessThan(ceiling * 0.1);
    }
  });
});

describe('retryAfterMs', () => {
  it('reads seconds and dates', () => {
    expect(retryAfterMs('3')).toBe(3_000);
    expect(retryAfterMs('Wed, 21 Oct 2015 07:28:00 GMT')).toBe(0);
    expect(retryAfterMs(new Date(Date.now() + 60_000).toUTCString())).toBeGreaterThan(55_000);
  });

  it('reads nothing from anything else', () => {
    expect(retryAfterMs(null)).toBeUndefined();
    expect(retryAfterMs('soon')).toBeUndefined();
  });
});
