import type { AcceptedAction, Action } from '#contracts';
import type { SubmitOptions, SubmittedAction } from '../resource-client.ts';
import type { Positions } from '../delivery/positions.ts';
import type { RestClient, RestRequest } from '../http/rest.ts';
import { TidingsError } from '../tidings-error.ts';
import type { LedgerInquiry } from './ledger-inquiry.ts';
import type { PendingActions } from './pending-actions.ts';
import type { PendingEntry } from './pending-entry.ts';
import { Turns } from './turns.ts';

/** What is asked for, and how it is sent. */
export interface Submission extends SubmitOptions {
  type: string;
  resourceId?: string | undefined;
  payload: unknown;
  request: Pick<RestRequest, 'method' | 'path' | 'body' | 'headers'>;
}

export interface SubmitterOptions {
  rest: RestClient;
  pending: PendingActions;
  positions: Positions;
  inquiry: LedgerInquiry;
  isOnline: () => boolean;
  cancel: (id: string) => Promise<Action>;
  withinMs: number;
}

/** Submits actions, and sees to it that the outcome of each becomes known. */
export class Submitter {
  readonly #options: SubmitterOptions;
  readonly #turns = new Turns();

  constructor(options: SubmitterOptions) {
    this.#options = options;
  }

  async submit<View>(submission: Submission): Promise<SubmittedAction<View>> {
    const { pending, cancel } = this.#options;
    const { type, payload, resourceId } = submission;
    const idempotencyKey = submission.idempotencyKey ?? newKey();
    const submittedAt = new Date().toISOString();
    const entry = pending.begin({ idempotencyKey, type, resourceId: resourceId ?? null, payload, submittedAt });
    const send = (): Promise<AcceptedAction> => this.send(submission, entry);
    try {
      const action = await (resourceId === undefined
        ? send()
        : this.#turns.take(`${typeOf(type)}/${resourceId}`, send));
      return {
        action,
        outcome: () => entry.outcome() as Promise<Action<View>>,
        cancel: () => cancel(action.id),
      };
    } catch (error) {
      pending.refuse(entry, asTidingsError(error));
      throw error;
    }
  }

  private async send({ request, idempotencyKey }: Submission, entry: PendingEntry): Promise<AcceptedAction> {
    const { rest, pending, positions, withinMs } = this.#options;
    const headers = { ...request.headers, 'idempotency-key': entry.idempotencyKey };
    const {
      body: action,
      headers: answered,
      tries,
    } = await rest.call<AcceptedAction>({ ...request, headers, withinMs });
    positions.adopt(action.cursor);
    pending.accept(entry, action);
    // Accepted before, perhaps: then the outcome may be long past.
    const isRepeated = idempotencyKey !== undefined || tries > 1 || answered.has('idempotency-replayed');
    this.follow(action, isRepeated);
    return action;
  }

  /** Either the socket will tell the outcome, or the ledger is asked. */
  private follow(action: AcceptedAction, isRepeated: boolean): void {
    const { inquiry, positions, isOnline } = this.#options;
    if (isOnline() && (isRepeated || !positions.covers(action.cursor))) void inquiry.ask([action.id]);
    inquiry.expect();
  }
}

function typeOf(actionType: string): string {
  return actionType.slice(0, actionType.lastIndexOf('.'));
}

function asTidingsError(error: unknown): TidingsError {
  if (error instanceof TidingsError) return error;
  return new TidingsError('UNEXPECTED_ANSWER', 'The submit failed', { cause: error });
}

/** `crypto.randomUUID` is there in secure contexts only. */
function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
