import { LONGEST_TIMER_MS } from '../retry.ts';

/** A new token is brought before the last part of the old one's life, at most so many milliseconds. */
const LONGEST_MARGIN_MS = 60_000;
const MARGIN = 0.25;

/**
 * Brings the server a new token before the old one expires. When that fails, the server says
 * `goaway` in time, and the client comes back with a new one.
 */
export class TokenRefresh {
  readonly #refresh: () => Promise<{ tokenExpiresAt: string }>;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param refresh brings a new token, and gives its expiry */
  constructor(refresh: () => Promise<{ tokenExpiresAt: string }>) {
    this.#refresh = refresh;
  }

  schedule(expiresAt: string): void {
    const remaining = Date.parse(expiresAt) - Date.now();
    const wait = remaining - Math.min(LONGEST_MARGIN_MS, remaining * MARGIN);
    this.stop();
    // A clock that is far ahead must not make it ask all the time.
    if (wait > 0) this.#timer = setTimeout(() => void this.run(expiresAt), Math.min(wait, LONGEST_TIMER_MS));
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  private async run(before: string): Promise<void> {
    const timer = this.#timer;
    try {
      const { tokenExpiresAt } = await this.#refresh();
      // Stopped or begun anew meanwhile; or the callback gave the old token again.
      if (this.#timer === timer && tokenExpiresAt > before) this.schedule(tokenExpiresAt);
    } catch {
      // Said by `goaway`.
    }
  }
}
