/**
 * The catalogue of everything that can be wrong, as stable codes.
 * `retryable` says whether the same request can succeed later.
 */
export const PROBLEMS = {
  VALIDATION_FAILED: { status: 400, title: 'The request is not valid', retryable: false },
  MALFORMED_JSON: { status: 400, title: 'The body is not JSON', retryable: false },
  TOO_DEEP: { status: 400, title: 'The body is nested too deeply', retryable: false },
  CURSOR_INVALID: { status: 400, title: 'The cursor is not valid', retryable: false },
  UNAUTHENTICATED: { status: 401, title: 'A valid token is needed', retryable: false },
  TOKEN_EXPIRED: { status: 401, title: 'The token has expired', retryable: false },
  FORBIDDEN: { status: 403, title: 'Not allowed', retryable: false },
  NOT_FOUND: { status: 404, title: 'Not found', retryable: false },
  METHOD_NOT_ALLOWED: { status: 405, title: 'The method is not allowed here', retryable: false },
  REQUEST_TIMEOUT: { status: 408, title: 'The request did not come in time', retryable: true },
  ALREADY_EXISTS: { status: 409, title: 'The id is taken', retryable: false },
  CANCELLED: { status: 409, title: 'The action was cancelled', retryable: false },
  EXPIRED: { status: 409, title: 'The action was not finished in time', retryable: true },
  CURSOR_GONE: { status: 410, title: 'The cursor is too old or of another epoch', retryable: false },
  PRECONDITION_FAILED: { status: 412, title: 'The resource has another version', retryable: false },
  PAYLOAD_TOO_LARGE: { status: 413, title: 'The body is too large', retryable: false },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, title: 'The content type is not supported', retryable: false },
  IDEMPOTENCY_KEY_REUSED: { status: 422, title: 'The idempotency key was used for another request', retryable: false },
  RATE_LIMITED: { status: 429, title: 'Too many requests', retryable: true },
  HEADERS_TOO_LARGE: { status: 431, title: 'The headers are too large', retryable: false },
  UNKNOWN_EVENT: { status: 400, title: 'The event is not known', retryable: false },
  HANDLER_FAILED: { status: 500, title: 'The action could not be applied', retryable: false },
  ATTEMPTS_EXHAUSTED: { status: 500, title: 'The action was tried too often', retryable: false },
  INTERNAL: { status: 500, title: 'Something went wrong here', retryable: true },
  UNAVAILABLE: { status: 503, title: 'The ledger cannot be reached', retryable: true },
} as const;

export type ProblemCode = keyof typeof PROBLEMS;

/** One thing that is wrong with an input. */
export interface ProblemItem {
  /** JSON pointer (RFC 6901) into the body, e.g. `/text`; `#query/limit` style for other places. */
  pointer: string;
  code: string;
  detail: string;
}

/** What is common to problem documents and the `error` of an action. */
export interface ProblemDetail {
  code: ProblemCode;
  title: string;
  detail: string;
  errors?: ProblemItem[];
}

/** An `application/problem+json` document (RFC 9457). */
export interface Problem extends ProblemDetail {
  type: string;
  status: number;
  /** The path of the request; absent on sockets. */
  instance?: string;
  requestId?: string;
}

/** An error that a client may see as it is. Everything else is reported as `INTERNAL`. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError';

  constructor(
    readonly code: ProblemCode,
    readonly detail: string = PROBLEMS[code].title,
    /** `scope`: the one that the token lacks. */
    readonly options: { errors?: ProblemItem[]; retryAfterSeconds?: number; scope?: string; cause?: unknown } = {},
  ) {
    super(`${code}: ${detail}`, { cause: options.cause });
  }

  get status(): number {
    return PROBLEMS[this.code].status;
  }

  /** The problem document, without what only the transport knows. */
  toProblem(): Problem {
    return {
      type: `urn:tidings:problem:${this.code.toLowerCase().replaceAll('_', '-')}`,
      ...this.toDetail(),
      status: this.status,
    };
  }

  /** The form kept as the `error` of an action. */
  toDetail(): ProblemDetail {
    const { errors } = this.options;
    return { code: this.code, title: PROBLEMS[this.code].title, detail: this.detail, ...(errors && { errors }) };
  }
}
