/** What readiness depends on; each app names its own. */
export abstract class HealthChecks {
  abstract readonly checks: readonly HealthCheck[];
}

export interface HealthCheck {
  name: string;
  /** When it fails: whether the app can do nothing of use, or works with a loss. */
  failure: 'unready' | 'degraded';
  /** Rejects, or resolves to false, when it fails. */
  check: () => Promise<boolean> | boolean;
}

export interface Health {
  status: 'ok' | 'degraded' | 'unready';
  checks: Record<string, 'ok' | 'failed'>;
}

/** How long a check may take, in milliseconds. */
const DEADLINE_MS = 2_000;

export async function healthOf({ checks }: HealthChecks): Promise<Health> {
  const results = await Promise.all(checks.map(async (check) => ({ ...check, ok: await passes(check) })));
  const failed = results.filter(({ ok }) => !ok);
  return {
    status: failed.some(({ failure }) => failure === 'unready') ? 'unready' : failed.length > 0 ? 'degraded' : 'ok',
    checks: Object.fromEntries(results.map(({ name, ok }) => [name, ok ? 'ok' : 'failed'])),
  };
}

async function passes({ check }: HealthCheck): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => (timer = setTimeout(resolve, DEADLINE_MS, false)));
  try {
    return await Promise.race([check(), late]);
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
  }
}
