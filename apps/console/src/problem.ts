import type { ProblemItem } from '#contracts';

/** What went wrong, for people. */
export interface PlainProblem {
  code: string;
  /** One sentence that says what happened, and what to do. */
  words: string;
  /** What the server said. */
  detail?: string;
}

const WORDS: Readonly<Record<string, string>> = {
  VALIDATION_FAILED: 'Something in it is not allowed.',
  PAYLOAD_TOO_LARGE: 'It is too large.',
  UNAUTHENTICATED: 'The sign-in is not valid. Sign in again.',
  TOKEN_EXPIRED: 'The sign-in has expired. Sign in again.',
  FORBIDDEN: 'You are not allowed to do this.',
  NOT_FOUND: 'It does not exist any more.',
  ALREADY_EXISTS: 'Something with this id exists already.',
  PRECONDITION_FAILED: 'It was changed in the meantime. Look at the present text, then try again.',
  RATE_LIMITED: 'Too many requests. Wait a moment, then try again.',
  CANCELLED: 'It was cancelled before it was done.',
  EXPIRED: 'It was not done in time. Try again.',
  HANDLER_FAILED: 'It failed each time it was tried.',
  ATTEMPTS_EXHAUSTED: 'It was tried too often without success.',
  UNAVAILABLE: 'The server cannot accept anything now. Try again in a moment.',
  NETWORK: 'The server cannot be reached. Check that it runs, then try again.',
  UNEXPECTED_ANSWER: 'Something between this page and the server answered in its place. Try again in a moment.',
  TOKEN_UNAVAILABLE: 'You could not be signed in again. Reload the page.',
  STORAGE_FAILED: 'The browser keeps nothing for this page: after a reload, missed outcomes are not replayed.',
  CLOSED: 'The connection was closed before the answer.',
  INTERNAL: 'Something went wrong on the server. Try again in a moment.',
};

/** What an error of the client, of an action or of the network means. */
export function inPlainWords(error: unknown): PlainProblem {
  const { code, detail, errors } = (error ?? {}) as { code?: string; detail?: string; errors?: ProblemItem[] };
  if (code === undefined || !(code in WORDS)) {
    if (detail !== undefined) return { code: code ?? 'UNKNOWN', words: detail };
    return { code: 'NETWORK', words: WORDS['NETWORK']! };
  }
  const items = errors?.map((item) => item.detail).join('; ');
  if (code === 'VALIDATION_FAILED' && items) return { code, words: `Something in it is not allowed: ${items}.` };
  const said = items || detail;
  return { code, words: WORDS[code]!, ...(said !== undefined && { detail: said }) };
}
