import { delay } from './retry.ts';
import { TidingsError } from './tidings-error.ts';

/** How long the callback may take, in milliseconds. */
const CALLBACK_MS = 30_000;

/** A token is not used in the last part of its life, at most so many milliseconds. */
const LONGEST_MARGIN_MS = 10_000;
const MARGIN = 0.2;

/** Keeps the token that the callback gave, as long as it is good; all who need one share a call. */
export class TokenSource {
  readonly #callback: () => string | Promise<string>;
  readonly #closing = new AbortController();
  #token: string | undefined;
  #goodUntil = 0;
  #asking: Promise<string> | undefined;

  constructor(callback: () => string | Promise<string>) {
    this.#callback = callback;
  }

  /**
   * @param refused a token that the server does not take: another is asked for
   * @throws {TidingsError} `TOKEN_UNAVAILABLE`, `CLOSED`
   */
  async get(refused?: string): Promise<string> {
    const isGood = this.#token !== undefined && this.#token !== refused && Date.now() < this.#goodUntil;
    return isGood ? this.#token! : this.renew();
  }

  /** @throws {TidingsError} `TOKEN_UNAVAILABLE`, `CLOSED` */
  renew(): Promise<string> {
    this.#asking ??= this.ask().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  /** Whoever waits for a token is told `CLOSED`. */
  close(): void {
    this.#closing.abort(new TidingsError('CLOSED', 'The client was closed before there was a token'));
  }

  private async ask(): Promise<string> {
    const { signal } = this.#closing;
    signal.throwIfAborted();
    try {
      this.#token = await this.answer(signal);
    } catch (cause) {
      signal.throwIfAborted();
      throw new TidingsError('TOKEN_UNAVAILABLE', 'The token callback failed', { cause });
    }
    const remaining = expiryOf(this.#token) - Date.now();
    this.#goodUntil = Date.now() + remaining - Math.min(LONGEST_MARGIN_MS, remaining * MARGIN);
    return this.#token;
  }

  /** What the callback gives, if it does in time. */
  private async answer(signal: AbortSignal): Promise<string> {
    const answered = new AbortController();
    const limit = delay(CALLBACK_MS, AbortSignal.any([signal, answered.signal])).then(() => {
      throw new Error('It gave none in time');
    });
    try {
      return await Promise.race([limit, (async () => this.#callback())()]);
    } finally {
      answered.abort();
    }
  }
}

/** When a JWT expires, in milliseconds since 1970; never, as far as can be told, for anything else. */
function expiryOf(token: string): number {
  try {
    const payload = token.split('.')[1]!.replaceAll('-', '+').replaceAll('_', '/');
    const { exp } = JSON.parse(atob(payload)) as { exp?: unknown };
    return typeof exp === 'number' ? exp * 1_000 : Number.MAX_SAFE_INTEGER;
  } catch {
    return Number.MAX_SAFE_INTEGER;
  }
}
