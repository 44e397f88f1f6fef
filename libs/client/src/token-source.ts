import { delay } from './retry.ts';
import { TidingsError } from './tidings-error.ts';

/** How long the callback may take, in milliseconds. */
const CALLBACK_MS = 30_000;

/** A token is not used in the last part of its life, at most so many milliseconds. */
const LONGEST_MARGIN_MS = 10_000;
const MARGIN = 0.2;

/**
 * Keeps the token that the callback gave, as long as it is good; all who need one share a call.
 * All are of one user: what one user has submitted is not tried again as another.
 */
export class TokenSource {
  readonly #callback: () => string | Promise<string>;
  readonly #onUser: (user: string) => void;
  readonly #closing = new AbortController();
  #token: string | undefined;
  #goodUntil = 0;
  #asking: Promise<string> | undefined;
  #user: string | undefined;

  /** @param onUser is told whose tokens these are, before the first is given */
  constructor(callback: () => string | Promise<string>, onUser: (user: string) => void = () => undefined) {
    this.#callback = callback;
    this.#onUser = onUser;
  }

  /**
   * @param refused a token that the server does not take: another is asked for
   * @throws {TidingsError} `TOKEN_UNAVAILABLE`, `CLOSED`, `UNAUTHENTICATED` for that of another user
   */
  async get(refused?: string): Promise<string> {
    const isGood = this.#token !== undefined && this.#token !== refused && Date.now() < this.#goodUntil;
    return isGood ? this.#token! : this.renew();
  }

  /** @throws {TidingsError} as {@link get} */
  renew(): Promise<string> {
    this.#asking ??= this.ask().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  /** Whoever waits for a token, or asks for one later, is told why there is none. */
  close(reason: TidingsError): void {
    this.#closing.abort(reason);
  }

  private async ask(): Promise<string> {
    const { signal } = this.#closing;
    signal.throwIfAborted();
    let token: string;
    try {
      token = (await this.answer(signal)).trim();
      // Without one, the socket would let it in as a guest; for the network, one that no header holds is never sent.
      if (!/^[\x20-\x7e]+$/.test(token)) throw new Error('It gave none');
    } catch (cause) {
      signal.throwIfAborted();
      throw new TidingsError('TOKEN_UNAVAILABLE', 'The token callback failed', { cause });
    }
    const { exp, sub } = claimsOf(token);
    if (sub !== undefined) this.bindTo(sub);
    this.#token = token;
    const remaining = exp === undefined ? Infinity : exp * 1_000 - Date.now();
    // Where it seems to have expired already, the clock of this side may be wrong: the server will tell.
    this.#goodUntil =
      remaining > 0 ? Date.now() + remaining - Math.min(LONGEST_MARGIN_MS, remaining * MARGIN) : Infinity;
    return token;
  }

  private bindTo(user: string): void {
    if (this.#user === user) return;
    if (this.#user !== undefined) {
      throw new TidingsError('UNAUTHENTICATED', 'The token is of another user');
    }
    this.#user = user;
    this.#onUser(user);
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

interface Claims {
  /** When it expires, in seconds since 1970. */
  exp?: number;
  /** The user. */
  sub?: string;
}

/** What a JWT says (RFC 7519); nothing for anything else. */
function claimsOf(token: string): Claims {
  try {
    const payload = atob(token.split('.')[1]!.replaceAll('-', '+').replaceAll('_', '/'));
    const bytes = Uint8Array.from(payload, (character) => character.charCodeAt(0));
    return (JSON.parse(new TextDecoder().decode(bytes)) as Claims | null) ?? {};
  } catch {
    return {};
  }
}
