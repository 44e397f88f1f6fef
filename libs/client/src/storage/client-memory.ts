import type { KeptAction } from '../actions/pending-actions.ts';
import type { ClientStorage } from './client-storage.ts';

/** Changes of one moment are written together, in milliseconds. */
const TOGETHER_MS = 20;

const VERSION = 1;

/** What outlives a client. */
export interface Memory {
  cursors: string[];
  pending: KeptAction[];
}

/**
 * Writes what a client has to remember: at once when it is quiet, together when it is busy,
 * and in any case before a page goes.
 */
export class ClientMemory {
  readonly #storage: ClientStorage;
  readonly #now: () => Memory;
  readonly #onError: (cause: unknown) => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Something is to be written; also what was not taken, which waits for an occasion. */
  #isChanged = false;
  #hasFailed = false;
  #isClosed = false;
  readonly #flush = (): void => this.flush();

  constructor(storage: ClientStorage, now: () => Memory, onError: (cause: unknown) => void) {
    this.#storage = storage;
    this.#now = now;
    this.#onError = onError;
    globalThis.addEventListener?.('pagehide', this.#flush);
  }

  changed(): void {
    if (this.#isClosed) return;
    this.#isChanged = true;
    this.#hasFailed = false;
    if (this.#timer !== undefined) return;
    // What changes together is written together.
    queueMicrotask(this.#flush);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (this.#isChanged && !this.#hasFailed) this.changed();
    }, TOGETHER_MS);
  }

  close(): void {
    globalThis.removeEventListener?.('pagehide', this.#flush);
    clearTimeout(this.#timer);
    this.flush();
    this.#isClosed = true;
  }

  private flush(): void {
    if (!this.#isChanged || this.#isClosed) return;
    this.#isChanged = false;
    try {
      this.#storage.write(JSON.stringify({ version: VERSION, ...this.#now() }));
    } catch (cause) {
      this.#isChanged = true;
      this.#hasFailed = true;
      this.#onError(cause);
    }
  }
}

/** What the client before remembered; nothing when that cannot be read, which is told. */
export function recall(storage: ClientStorage, onError: (cause: unknown) => void): Memory {
  try {
    const text = storage.read();
    if (text) {
      const { version, cursors, pending } = JSON.parse(text) as Partial<Memory> & { version?: number };
      if (version === VERSION && cursors && pending) return { cursors, pending };
      throw new Error('It is of another version');
    }
  } catch (cause) {
    onError(cause);
  }
  return { cursors: [], pending: [] };
}
