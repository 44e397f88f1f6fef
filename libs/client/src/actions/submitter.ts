import type { AcceptedAction, Action } from '#contracts';
import type { SubmitOptions, SubmittedAction } from '../resource-client.ts';
import type { Positions } from '../delivery/positions.ts';
import type { RestAnswer, RestClient, RestRequest } from '../http/rest.ts';
import { unlessAborted } from '../promise-to-come.ts';
import { sendable, TidingsError } from '../tidings-error.ts';
import type { LedgerInquiry } from './ledger-inquiry.ts';
import type { PendingActions } from './pending-actions.ts';
import { Turns } from './turns.ts';

/** What is asked for, and how it is sent. */
export interface Submission extends SubmitOptions {
  type: string;
  resourceId?: string | undefined;
  payload: unknown;
  request: Pick<RestRequest, 'method' | 'path' | 'headers'> & { body?: object | undefined };
}

type WrittenRequest = Omit<RestRequest, 'withinMs'>;

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
    const { rest, pending, positions, cancel, withinMs } = this.#options;
    // From now on: also while it waits for its turn.
    const until = Date.now() + withinMs;
    const { type, payload, resourceId, signal } = submission;
    const idempotencyKey = submission.idempotencyKey ?? newKey();
    const request = written(submission, idempotencyKey);
    const submittedAt = new Date().toISOString();
    const entry = pending.begin({ idempotencyKey, type, resourceId: resourceId ?? null, payload, submittedAt });
    const call = (): Promise<RestAnswer<AcceptedAction>> =>
      rest.call({ ...request, signal, withinMs: until - Date.now() });
    try {
      const answered = resourceId === undefined ? call() : this.#turns.take(`${typeOf(type)}/${resourceId}`, call);
      const { body: action, headers, tries } = await unlessAborted(answered, signal);
      positions.adopt(action.cursor);
      pending.accept(entry, action);
      // Accepted before, perhaps: then the outcome may be long past.
      const isRepeated = submission.idempotencyKey !== undefined || tries > 1 || headers.has('idempotency-replayed');
      this.follow(action, isRepeated);
      return {
        action,
        outcome: (options) => entry.outcome(options) as Promise<Action<View>>,
        cancel: () => cancel(action.id),
      };
    } catch (error) {
      const refusal: unknown = signal?.aborted ? signal.reason : asTidingsError(error);
      pending.refuse(entry, refusal);
      throw refusal;
    }
  }

  /** Either the socket will tell the outcome, or the ledger is asked. */
  private follow(action: AcceptedAction, isRepeated: boolean): void {
    const { inquiry, positions, isOnline } = this.#options;
    if (isOnline() && (isRepeated || !positions.covers(action.cursor))) void inquiry.ask([action.id]);
    inquiry.expect();
  }
}

/**
 * A request as it is now: what is sent later, or again, must be the same, whatever became of the payload.
 *
 * @throws {TidingsError} `VALIDATION_FAILED` for what no body, or no header, can hold
 */
function written({ request }: Submission, idempotencyKey: string): WrittenRequest {
  return sendable(() => {
    const headers = new Headers({ ...request.headers, 'idempotency-key': idempotencyKey });
    return { ...request, headers: Object.fromEntries(headers), body: JSON.stringify(request.body) };
  });
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
