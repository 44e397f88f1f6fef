import { decodeCursor, type AcceptedAction, type Action } from '#contracts';
import type { PendingAction } from '../client.ts';
import { TidingsError } from '../tidings-error.ts';
import { PendingEntry, type Intent } from './pending-entry.ts';

/** An accepted action without an outcome, as it is kept in storage. */
export type KeptAction = Intent & { action: AcceptedAction };

export interface PendingObserver {
  /** The list is another one. */
  listChanged(): void;
  /** What is to be kept is something else. */
  keptChanged(): void;
}

/**
 * The actions of this client that have no outcome yet.
 *
 * submitting ──accept──▶ accepted ──settle──▶ gone
 *     └───────refuse──▶ gone     └──forget──▶ gone, with an error
 *
 * An outcome may come by the socket before the 202 does by HTTP. So the outcomes that come are
 * remembered as long as a submit is under way that had begun before.
 */
export class PendingActions {
  readonly #entries = new Set<PendingEntry>();
  readonly #accepted = new Map<string, PendingEntry>();
  /** Outcomes, with the number of submits begun when they came; in the order in which they came. */
  readonly #early = new Map<string, { action: Action; begun: number }>();
  /** Submits under way, by their number; the oldest first. */
  readonly #submitting = new Map<PendingEntry, number>();
  readonly #observer: PendingObserver;
  #begun = 0;
  #list: readonly PendingAction[] | undefined;

  constructor(kept: readonly KeptAction[], observer: PendingObserver) {
    this.#observer = observer;
    for (const intent of kept) {
      const entry = new PendingEntry(intent);
      this.#entries.add(entry);
      this.#accepted.set(intent.action.id, entry);
    }
  }

  get list(): readonly PendingAction[] {
    this.#list ??= [...this.#entries];
    return this.#list;
  }

  /** Those that were accepted, the oldest first. */
  get unanswered(): AcceptedAction[] {
    return [...this.#accepted.values()].map(({ action }) => action!);
  }

  get kept(): KeptAction[] {
    return [...this.#accepted.values()] as (PendingEntry & KeptAction)[];
  }

  isUnanswered(id: string): boolean {
    return this.#accepted.has(id);
  }

  begin(intent: Intent): PendingEntry {
    const entry = new PendingEntry(intent);
    this.#begun += 1;
    this.#submitting.set(entry, this.#begun);
    this.#entries.add(entry);
    this.listChanged();
    return entry;
  }

  /** It has an id now. The same action may have been submitted before, with the same key: then it is one. */
  accept(entry: PendingEntry, action: AcceptedAction): void {
    const early = action.done ? action : this.#early.get(action.id)?.action;
    const outcome = early ?? this.#accepted.get(action.id)?.outcome();
    entry.accept(action);
    this.submitted(entry);
    if (outcome) {
      entry.resolve(outcome);
      this.#entries.delete(entry);
    } else this.#accepted.set(action.id, entry);
    this.keptChanged();
  }

  /** It was not accepted. */
  refuse(entry: PendingEntry, error: unknown): void {
    this.submitted(entry);
    this.#entries.delete(entry);
    entry.reject(error);
    this.listChanged();
  }

  /** The outcome of an action became known, which may be none of this client. */
  settle(action: Action): void {
    if (this.#submitting.size > 0) this.#early.set(action.id, { action, begun: this.#begun });
    this.remove(action.id)?.resolve(action);
  }

  /** The user of this client is known: what another one has left here is not theirs to see. */
  belongTo(ownChannel: string): void {
    for (const { id, cursor } of this.unanswered) {
      const owner = decodeCursor(cursor)?.channel;
      if (owner && owner !== ownChannel) this.forget(id, new TidingsError('CLOSED', 'It is of another user'));
    }
  }

  /** No outcome can be had any more. */
  forget(id: string, error: TidingsError): void {
    this.remove(id)?.reject(error);
  }

  /** It cannot be asked for now; it stays on the list. */
  rejectForNow(id: string, error: TidingsError): void {
    this.#accepted.get(id)?.rejectForNow(error);
  }

  /** The client ends: whoever waits is told; what is kept in storage stays. */
  rejectAll(error: TidingsError): void {
    for (const entry of this.#entries) entry.reject(error);
  }

  private remove(id: string): PendingEntry | undefined {
    const entry = this.#accepted.get(id);
    if (!entry) return undefined;
    this.#accepted.delete(id);
    this.#entries.delete(entry);
    this.keptChanged();
    return entry;
  }

  private submitted(entry: PendingEntry): void {
    this.#submitting.delete(entry);
    const [oldest = Infinity] = this.#submitting.values();
    for (const [id, { begun }] of this.#early) {
      if (begun >= oldest) return;
      this.#early.delete(id);
    }
  }

  private keptChanged(): void {
    this.#observer.keptChanged();
    this.listChanged();
  }

  private listChanged(): void {
    this.#list = undefined;
    this.#observer.listChanged();
  }
}
