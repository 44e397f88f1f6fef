import { describe, expect, it } from 'vitest';
import { eventually } from './eventually.ts';

describe('eventually', () => {
  it('gives what the check returns once it no longer throws', async () => {
    let calls = 0;
    const result = await eventually(() => {
      calls += 1;
      if (calls < 3) throw new Error('not yet');
      return calls;
    });
    expect(result).toBe(3);
  });

  it('fails with the last error of the check', async () => {
    let calls = 0;
    const waiting = eventually(() => Promise.reject(new Error(`try ${(calls += 1)}`)), { timeoutMs: 1_000 });
    await expect(waiting).rejects.toThrow(/^try (?!1$)\d+$/);
  });
});
