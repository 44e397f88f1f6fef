import { PROBLEMS, type ActionError, type ProblemCode } from '#contracts';
import type { Ending, UnfinishedRow } from '#ledger';
import type { Applied } from '#resources';

/** Largest response that an outcome carries, in characters of JSON. */
const LARGEST_RESPONSE = 60_000;

/** The end of an action whose handler has answered. */
export function appliedEnding(row: UnfinishedRow, applied: Applied, attempts: number): Ending {
  if ('error' in applied) {
    return { row, status: 'failed', attempts, response: null, error: applied.error };
  }
  const response = applied.response === null ? null : JSON.stringify(applied.response);
  if (response !== null && response.length > LARGEST_RESPONSE) {
    throw new Error(`the response of ${row.type} is too large (${response.length} characters)`);
  }
  return {
    row,
    status: 'succeeded',
    attempts,
    response,
    error: null,
    ...(applied.events && { events: applied.events }),
  };
}

/** The end of an action whose time is over. */
export function expiredEnding(row: UnfinishedRow): Ending {
  return { row, status: 'expired', attempts: row.attempts, response: null, error: errorOf('EXPIRED') };
}

/** The end of an action that no further attempt can help. */
export function failedEnding(row: UnfinishedRow, code: ProblemCode, attempts: number): Ending {
  return { row, status: 'failed', attempts, response: null, error: errorOf(code) };
}

function errorOf(code: ProblemCode): ActionError {
  const { title } = PROBLEMS[code];
  return { code, title, detail: title };
}
