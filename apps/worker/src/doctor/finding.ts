/** What the doctor found out about one thing. */
export interface Finding {
  /** `error`: something does not work, or what was promised does not hold. */
  level: 'ok' | 'warning' | 'error';
  subject: string;
  /** How it is. */
  state: string;
  /** What to change. */
  advice?: string;
}

export function ok(subject: string, state: string): Finding {
  return { level: 'ok', subject, state };
}

export function warning(subject: string, state: string, advice: string): Finding {
  return { level: 'warning', subject, state, advice };
}

export function failure(subject: string, state: string, advice: string): Finding {
  return { level: 'error', subject, state, advice };
}

/** Most that the clock of a server may differ from ours, in milliseconds. */
const MOST_SKEW_MS = 500;

/**
 * Compares the clock of a server with ours.
 *
 * @param ask its time, in milliseconds since 1970
 */
export async function clockFinding(subject: string, ask: () => Promise<number>): Promise<Finding> {
  const before = Date.now();
  const theirs = await ask();
  // It was read at some moment in between.
  const skew = Math.max(before - theirs, theirs - Date.now(), 0);
  const state = `differs from this machine by ${Math.round(skew)} ms`;
  if (skew <= MOST_SKEW_MS) return ok(subject, state);
  return warning(subject, state, 'synchronise the clocks (NTP): times and metrics of outcomes are wrong by as much');
}
