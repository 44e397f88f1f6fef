import { inspectJson } from '#actions';
import { PROBLEMS, type ActionError, type ProblemCode } from '#contracts';
import type { EndableRow, Ending, UnfinishedRow } from '#ledger';
import { PermanentError, type Applied } from '#resources';

/** Largest response that an outcome carries, in characters of JSON. */
const LARGEST_RESPONSE = 60_000;

/**
 * The end of an action whose handler has answered.
 *
 * @throws {PermanentError} when the answer is nothing that an outcome can carry
 */
export function appliedEnding(row: UnfinishedRow, applied: Applied, attempts: number): Ending {
  if ('error' in applied) {
    return { row, status: 'failed', attempts, response: null, error: applied.error };
  }
  const response = encode(applied.response, row.type);
  return {
    row,
    status: 'succeeded',
    attempts,
    response,
    error: null,
    ...(applied.events && { events: applied.events }),
  };
}

/** What cannot be encoded, or would harm who decodes it, is the handler's fault, and stays so. */
function encode(response: object | null, type: string): string | null {
  if (response === null) return null;
  let text: string;
  try {
    inspectJson(response);
    text = JSON.stringify(response);
  } catch (cause) {
    throw new PermanentError(`the response of ${type} cannot be sent`, { cause });
  }
  if (text.length > LARGEST_RESPONSE) throw new PermanentError(`the response of ${type} has ${text.length} characters`);
  return text;
}

/** The end of an action whose time is over. */
export function expiredEnding(row: EndableRow): Ending {
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
