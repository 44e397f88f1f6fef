import type { Problem } from '#contracts';
import { delay, fullJitter, retryAfterMs } from '../retry.ts';
import { TidingsError } from '../tidings-error.ts';
import type { TokenSource } from '../token-source.ts';
import { withQuery } from './query.ts';

/** How long a read is tried, in milliseconds. */
export const READ_WITHIN_MS = 5_000;

/** How long one try may take, in milliseconds. */
const TRY_MS = 15_000;

/** Pauses between tries, in milliseconds. */
const PAUSES = { baseMs: 200, mostMs: 5_000 };

/** Statuses after which the same request may be tried again. */
const RETRYABLE = new Set([408, 429, 502, 503, 504]);

/** The same without a status. A token that cannot be had says nothing of the tries before. */
const RETRYABLE_CODES: ReadonlySet<string> = new Set(['NETWORK', 'TOKEN_UNAVAILABLE']);

export interface RestRequest {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** From the base URL on, with its query. */
  path: string;
  /** JSON. */
  body?: string | undefined;
  headers?: Record<string, string>;
  /** How long it is tried while there is no answer, in milliseconds; 0: once. */
  withinMs: number;
  signal?: AbortSignal | undefined;
}

type BoundRequest = RestRequest & { signal: AbortSignal };

export interface RestAnswer<Body> {
  body: Body;
  headers: Headers;
  /** How often it was sent. */
  tries: number;
}

/** Calls the api: with a token, and again while nobody answers. */
export class RestClient {
  readonly #baseUrl: string;
  readonly #tokens: TokenSource;
  readonly #closing = new AbortController();

  constructor(baseUrl: string, tokens: TokenSource) {
    this.#baseUrl = baseUrl.replace(/\/+$/, '');
    this.#tokens = tokens;
  }

  /**
   * Only for requests that may arrive twice: reads, and submits with an Idempotency-Key.
   *
   * @throws {TidingsError} or the reason of the signal
   */
  async call<Body>(request: RestRequest): Promise<RestAnswer<Body>> {
    const deadline = Date.now() + request.withinMs;
    const closing = this.#closing.signal;
    const signal = request.signal ? AbortSignal.any([closing, request.signal]) : closing;
    for (let tries = 1; ; tries += 1) {
      try {
        const { body, headers } = await this.send({ ...request, signal });
        return { body: body as Body, headers, tries };
      } catch (error) {
        const pause = pauseAfter(error, tries);
        if (pause === undefined || Date.now() + pause > deadline) throw error;
        await delay(pause, signal);
      }
    }
  }

  /** Reads one thing, or a page of a list. */
  async read<Body>(path: string, query: object = {}): Promise<Body> {
    return (await this.call<Body>({ method: 'GET', path: withQuery(path, query), withinMs: READ_WITHIN_MS })).body;
  }

  /** Ends whatever is under way. */
  close(reason: TidingsError): void {
    this.#closing.abort(reason);
    this.#tokens.close(reason);
  }

  /** One try; a token that is refused is replaced once. */
  private async send(request: BoundRequest): Promise<{ body: unknown; headers: Headers }> {
    const token = await this.#tokens.get();
    const answer = await this.fetch(request, token);
    if (answer.status !== 401) return readAnswer(answer);
    return readAnswer(await this.fetch(request, await this.#tokens.get(token)));
  }

  private async fetch({ method, path, body, headers, signal }: BoundRequest, token: string): Promise<Response> {
    try {
      return await fetch(`${this.#baseUrl}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body !== undefined && { body }),
        signal: AbortSignal.any([signal, AbortSignal.timeout(TRY_MS)]),
      });
    } catch (cause) {
      signal.throwIfAborted();
      throw new TidingsError('NETWORK', `${method} ${path} was not answered`, { cause });
    }
  }
}

/** How long to wait before the same request may succeed, in milliseconds; undefined: it never will. */
function pauseAfter(error: unknown, tries: number): number | undefined {
  if (!(error instanceof TidingsError)) return undefined;
  if (!RETRYABLE_CODES.has(error.code) && !RETRYABLE.has(error.status)) return undefined;
  return (error.retryAfterMs ?? 0) + fullJitter(tries - 1, PAUSES);
}

async function readAnswer(response: Response): Promise<{ body: unknown; headers: Headers }> {
  const { ok, status, headers } = response;
  let body: unknown;
  try {
    body = await response.json();
  } catch (cause) {
    // An answer that breaks off may have been a good one: it is asked for again.
    const code = ok ? 'NETWORK' : 'UNEXPECTED_ANSWER';
    throw new TidingsError(code, `The answer (${status}) cannot be read`, { ...about(response), cause });
  }
  if (ok) return { body, headers };
  const { code, detail, errors } = (body ?? {}) as Partial<Problem>;
  throw new TidingsError(code ?? 'UNEXPECTED_ANSWER', detail ?? `The answer was ${status}`, {
    ...about(response),
    errors,
  });
}

function about({ status, headers }: Response): { status: number; retryAfterMs: number | undefined } {
  return { status, retryAfterMs: retryAfterMs(headers.get('retry-after')) };
}
