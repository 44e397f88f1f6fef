/** "Full jitter": anything from nothing to an exponentially growing ceiling, so that crowds spread. */
export function fullJitter(attempt: number, { baseMs, mostMs }: { baseMs: number; mostMs: number }): number {
  return Math.random() * Math.min(mostMs, baseMs * 2 ** Math.min(attempt, 30));
}

/** `Retry-After` (RFC 9110): seconds or a date, as milliseconds from now; undefined when it says neither. */
export function retryAfterMs(header: string | null): number | undefined {
  if (header === null) return undefined;
  if (/^\d{1,9}$/.test(header.trim())) return Number(header) * 1_000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now());
}

/** Longest time that timers can hold, in milliseconds: 31 bits. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** @throws the reason of the signal, when it is aborted meanwhile */
export function delay(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', abort);
      resolve();
    }, milliseconds);
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
  });
}
