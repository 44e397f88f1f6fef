import { failure, ok, warning, type Finding } from './finding.ts';

const DEADLINE_MS = 5_000;

interface Health {
  status: string;
  checks: Record<string, string>;
}

/** Asks an app whether it is ready. */
export async function checkReachable(name: string, url: string): Promise<Finding> {
  try {
    const answer = await fetch(new URL('/readyz', url), { signal: AbortSignal.timeout(DEADLINE_MS) });
    const { status, checks } = (await answer.json()) as Health;
    const failed = Object.entries(checks).filter(([, state]) => state !== 'ok');
    const state = `${url} is ${status}${failed.length > 0 ? `: ${failed.map(([check]) => check).join(', ')} failed` : ''}`;
    if (status === 'ok') return ok(name, state);
    const advice = `see what is said of ${failed.map(([check]) => check).join(', ')}, and its logs`;
    return status === 'degraded' ? warning(name, state, advice) : failure(name, state, advice);
  } catch (error) {
    // Of `fetch` the cause says more.
    const { cause = error } = error as Error;
    return failure(name, `${url} does not answer: ${String(cause)}`, 'start it, or correct the address');
  }
}
