import type { AcceptedAction, Action } from '#contracts';
import type { PendingAction } from '../client.ts';
import { promiseToCome } from '../promise-to-come.ts';
import type { TidingsError } from '../tidings-error.ts';

/** What is submitted. */
export interface Intent {
  idempotencyKey: string;
  type: string;
  resourceId: string | null;
  payload: unknown;
  submittedAt: string;
}

/** One submitted action on its way to its outcome. */
export class PendingEntry implements PendingAction {
  readonly idempotencyKey: string;
  readonly type: string;
  readonly payload: unknown;
  readonly submittedAt: string;
  readonly #resourceId: string | null;
  #action: AcceptedAction | null = null;
  #answer = promiseToCome<Action>();

  constructor({ idempotencyKey, type, resourceId, payload, submittedAt }: Intent) {
    this.idempotencyKey = idempotencyKey;
    this.type = type;
    this.payload = payload;
    this.submittedAt = submittedAt;
    this.#resourceId = resourceId;
  }

  get resourceId(): string | null {
    return this.#action?.resource.id ?? this.#resourceId;
  }

  get action(): AcceptedAction | null {
    return this.#action;
  }

  outcome(): Promise<Action> {
    return this.#answer.promise;
  }

  accept(action: AcceptedAction): void {
    this.#action = action;
  }

  /** With its outcome, or that of another entry for the same action. */
  resolve(outcome: Action | Promise<Action>): void {
    this.#answer.resolve(outcome);
  }

  /** For good. */
  reject(error: TidingsError): void {
    this.#answer.reject(error);
  }

  /** For those who wait now; who asks later waits anew. */
  rejectForNow(error: TidingsError): void {
    this.#answer.reject(error);
    this.#answer = promiseToCome<Action>();
  }
}
