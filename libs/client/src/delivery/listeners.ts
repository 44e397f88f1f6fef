import type { ClientEvents, ClientListener } from '../client.ts';
import { TidingsError } from '../tidings-error.ts';
import { HandlingLog } from './handling-log.ts';
import { SerialListener, type Done } from './serial-listener.ts';

/** The events whose handling counts for positions. */
type Kept = 'outcome' | 'event';

type Registry = { readonly [Name in keyof ClientEvents]: Set<SerialListener<ClientEvents[Name]>> };

/** Who listens to what. */
export class Listeners {
  readonly #listeners: Registry = {
    state: new Set(),
    session: new Set(),
    outcome: new Set(),
    event: new Set(),
    missed: new Set(),
    progress: new Set(),
    goaway: new Set(),
    pending: new Set(),
    error: new Set(),
  };
  readonly #log = new HandlingLog();

  /** @returns what ends the listening */
  add<Name extends keyof ClientEvents>(name: Name, listener: ClientListener<Name>): () => void {
    const listeners: Set<SerialListener<ClientEvents[Name]>> = this.#listeners[name];
    const serial = new SerialListener<ClientEvents[Name]>(listener, (cause) => this.report(name, cause));
    listeners.add(serial);
    return () => {
      if (listeners.delete(serial)) serial.end();
    };
  }

  emit<Name extends keyof ClientEvents>(name: Name, value: ClientEvents[Name]): void {
    // Who is told may add another, which is not meant.
    for (const listener of [...this.#listeners[name]]) listener.take(value, () => undefined);
  }

  /**
   * @param settle is called when this event and all before it are done with: handled, or left by all
   * @param more those who listen to its channel only
   */
  deliver<Name extends Kept>(
    name: Name,
    value: ClientEvents[Name],
    settle: Done,
    more: Iterable<Pick<SerialListener<ClientEvents[Name]>, 'take'>> = [],
  ): void {
    const listeners = [...this.#listeners[name], ...more];
    const done = this.#log.add(listeners.length, settle);
    for (const listener of listeners) listener.take(value, done);
  }

  /** What is to be handled is not given to anybody any more. A listener that is at work may still fail, which is told. */
  close(): void {
    const { outcome, event } = this.#listeners;
    for (const listener of [...outcome, ...event]) listener.end();
  }

  /** A listener must not break the others. Where nobody listens to errors, it is reported as uncaught. */
  report(name: keyof ClientEvents, cause: unknown): void {
    const error = new TidingsError('LISTENER_FAILED', `A listener to "${name}" failed`, { cause });
    if (name !== 'error' && this.#listeners.error.size > 0) this.emit('error', error);
    else {
      queueMicrotask(() => {
        throw error;
      });
    }
  }
}
