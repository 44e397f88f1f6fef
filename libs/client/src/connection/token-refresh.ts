import { fullJitter, LONGEST_TIMER_MS } from '../retry.ts';

/** A new token is brought before the last part of the old one's life, at most so many milliseconds. */
const LONGEST_MARGIN_MS = 60_000;
const MARGIN = 0.25;

/** Pauses between attempts, in milliseconds. */
const PAUSES = { baseMs: 500, mostMs: 10_000 };

/**
 * Brings the server a new token before the old one expires, and tries until then. When all fails,
 * the server says `goaway`, and the client comes back with a new one.
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
    this.runIn(wait, expiresAt);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  private runIn(wait: number, expiresAt: string, failures = 0): void {
    // A clock that is far ahead must not make it ask all the time, nor a token that is valid for longer than timers run.
    if (wait > LONGEST_TIMER_MS || Date.now() + wait >= Date.parse(expiresAt)) return;
    this.#timer = setTimeout(() => void this.run(expiresAt, failures), wait);
  }

  private async run(before: string, failures: number): Promise<void> {
    const timer = this.#timer;
    let after = '';
    try {
      after = (await this.#refresh()).tokenExpiresAt;
    } catch {
      // Tried again.
    }
    // Stopped or begun anew meanwhile.
    if (this.#timer !== timer) return;
    // The callback may have given the old token again.
    if (after > before) this.schedule(after);
    else this.runIn(fullJitter(failures, PAUSES), before, failures + 1);
  }
}
