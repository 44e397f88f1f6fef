import type { AcceptedAction, Action } from '#contracts';
import type { PendingAction } from '../client.ts';
import { promiseToCome, unlessAborted } from '../promise-to-come.ts';
import type { WaitOptions } from '../resource-client.ts';

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
  readonly idempotencyKey!: string;
  readonly type!: string;
  readonly payload!: unknown;
  readonly submittedAt!: string;
  resourceId!: string | null;
  action: AcceptedAction | null = null;
  #answer = promiseToCome<Action>();

  /** @param intent with its action, if it is accepted already */
  constructor(intent: Intent & { action?: AcceptedAction }) {
    Object.assign(this, intent);
  }

  outcome(options?: WaitOptions): Promise<Action> {
    return unlessAborted(this.#answer.promise, options?.signal);
  }

  accept(action: AcceptedAction): void {
    this.action = action;
    this.resourceId = action.resource.id;
  }

  /** With its outcome, or that of another entry for the same action. */
  resolve(outcome: Action | Promise<Action>): void {
    this.#answer.resolve(outcome);
  }

  /** For good. */
  reject(error: unknown): void {
    this.#answer.reject(error);
  }

  /** For those who wait now; who asks later waits anew. */
  rejectForNow(error: unknown): void {
    this.#answer.reject(error);
    this.#answer = promiseToCome<Action>();
  }
}
