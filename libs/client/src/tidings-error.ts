import type { Problem, ProblemCode, ProblemItem } from '#contracts';

/** What can go wrong on this side of the network, beside the problems of the server. */
export type ClientProblemCode =
  /** No answer came: the request may or may not have arrived. */
  | 'NETWORK'
  /** The answer was none of ours, such as the page of a proxy. */
  | 'UNEXPECTED_ANSWER'
  /** The token callback failed. */
  | 'TOKEN_UNAVAILABLE'
  /** The storage gave nothing that can be read, or did not take what it was given; the client goes on without it. */
  | 'STORAGE_FAILED'
  /** A listener threw. The event counts as handled. */
  | 'LISTENER_FAILED'
  /** The client was closed, or disconnected, before the answer. */
  | 'CLOSED';

export interface TidingsErrorOptions {
  status?: number | undefined;
  errors?: readonly ProblemItem[] | undefined;
  retryAfterMs?: number | undefined;
  cause?: unknown;
}

/** Every error of the client. */
export class TidingsError extends Error {
  override readonly name = 'TidingsError';
  /** Stable: a code of the server's catalogue, or of this side. */
  readonly code: ProblemCode | ClientProblemCode;
  /** The HTTP status; 0 when there was no answer. */
  readonly status: number;
  readonly detail: string;
  /** What is wrong with the input, item by item. */
  readonly errors: readonly ProblemItem[];
  /** When to try again, in milliseconds, if the server said so. */
  readonly retryAfterMs?: number;

  constructor(code: ProblemCode | ClientProblemCode, detail: string, options: TidingsErrorOptions = {}) {
    super(`${code}: ${detail}`, { cause: options.cause });
    this.code = code;
    this.status = options.status ?? 0;
    this.detail = detail;
    this.errors = options.errors ?? [];
    if (options.retryAfterMs !== undefined) this.retryAfterMs = options.retryAfterMs;
  }
}

/** Of what a socket was answered. */
export function errorOf(problem: Pick<Problem, 'code' | 'detail' | 'status' | 'errors'>): TidingsError {
  return new TidingsError(problem.code, problem.detail, problem);
}

/**
 * Makes what is to be sent.
 *
 * @throws {TidingsError} `VALIDATION_FAILED` for what JSON, or a header, cannot hold
 */
export function sendable<Result>(make: () => Result): Result {
  try {
    return make();
  } catch (cause) {
    throw new TidingsError('VALIDATION_FAILED', 'It cannot be sent', { cause });
  }
}
