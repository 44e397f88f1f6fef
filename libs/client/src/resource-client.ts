import type { AcceptedAction, Action } from '#contracts';

export interface Page<View> {
  data: View[];
  /** `after` of the next page; null on the last. */
  next: string | null;
}

export interface PageQuery {
  after?: string;
  /** 1 to 500 (default: 50). */
  limit?: number;
}

export interface WaitOptions {
  /** Aborted, it ends the waiting, which rejects with the reason; the action goes on. */
  signal?: AbortSignal | undefined;
}

export interface SubmitOptions {
  /** 8 to 255 printable characters (default: a new one, kept over retries). */
  idempotencyKey?: string;
  /**
   * Aborted before the action is accepted, it ends the request and its tries; the submit rejects with
   * the reason. The action may have arrived all the same: who has to know submits again, with the
   * same `idempotencyKey`.
   */
  signal?: AbortSignal | undefined;
}

export interface CreateOptions extends SubmitOptions {
  /** UUID of the new resource (default: the server chooses). */
  id?: string;
}

export interface ChangeOptions extends SubmitOptions {
  /** The version that the resource must have when the action is applied. */
  ifMatch?: number;
}

/**
 * Submits resolve when the action is accepted; they are tried again while there is no answer, as
 * they were when they were called. `VALIDATION_FAILED` with the status 0: it cannot be sent at all.
 */
export interface ResourceClient<Create, Edit, View, Query extends PageQuery = PageQuery> {
  create(payload: Create, options?: CreateOptions): Promise<SubmittedAction<View>>;
  edit(id: string, payload: Edit, options?: ChangeOptions): Promise<SubmittedAction<View>>;
  delete(id: string, options?: ChangeOptions): Promise<SubmittedAction<null>>;
  list(query?: Query): Promise<Page<View>>;
  /** @throws {TidingsError} `NOT_FOUND` */
  get(id: string): Promise<View>;
}

/** An action that was accepted. */
export interface SubmittedAction<View> {
  readonly action: AcceptedAction;
  /**
   * Resolves once, for every outcome, over disconnects and restarts of any server.
   *
   * @throws {TidingsError} only when no outcome can be had: `CLOSED`, `UNAUTHENTICATED`,
   * `TOKEN_EXPIRED`, or `NOT_FOUND` when the ledger does not know the action any more
   */
  readonly outcome: (options?: WaitOptions) => Promise<Action<View>>;
  /** Ends it if it has no outcome yet; gives the action with the outcome it has. */
  readonly cancel: () => Promise<Action>;
}
