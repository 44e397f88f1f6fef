import { setTimeout as delay } from 'node:timers/promises';

/**
 * Waits until `check` no longer throws or rejects, and gives what it returns.
 *
 * @throws its last error, once the time (15 s by default: a busy machine is no failure) is over.
 */
export async function eventually<T>(
  check: () => T | Promise<T>,
  { timeoutMs = 15_000, everyMs = 20 }: { timeoutMs?: number; everyMs?: number } = {},
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (Date.now() >= deadline) throw error;
      await delay(everyMs);
    }
  }
}
