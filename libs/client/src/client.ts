import type {
  AcceptedAction,
  Action,
  ActionStatus,
  CursorReason,
  EphemeralEnvelope,
  Envelope,
  Goaway,
  OutcomeEnvelope,
  Progress,
  Session,
} from '#contracts';
import type { Page, PageQuery, ResourceClient, WaitOptions } from './resource-client.ts';
import type { ResourceClients } from './resources.generated.ts';
import type { SubscriptionEvent, RoomHandle, SubscribeOptions, Subscription } from './subscription.ts';
import type { ClientStorage } from './storage/client-storage.ts';
import type { TidingsError } from './tidings-error.ts';

export interface ClientOptions {
  /** URL of the api, e.g. `https://tidings.example`; in a browser it may be relative to the page. */
  baseUrl: string;
  /** URL of a socket app, or of the balancer before several (default: `baseUrl`). */
  socketUrl?: string;
  /**
   * Gives a JWT. It is called when there is none yet, when it is about to expire, and when it
   * was refused; and again when it has failed, or not settled in 30 s. All are of one user: another
   * one needs a client of their own.
   */
  token: () => string | Promise<string>;
  /**
   * Keeps positions and unanswered actions over a reload or a restart (default: memory). What
   * another user has left in it is dropped as soon as there is a token.
   */
  storage?: ClientStorage;
  /** Without a known position, hear all that is retained instead of what happens from now on. */
  replayFromStart?: boolean;
  /**
   * How long a submit is tried while there is no answer, in milliseconds (default: 60 000). It counts
   * from the call, also while one before it for the same resource is tried.
   */
  submitWithinMs?: number;
}

/**
 * `offline`: not asked to connect, or the server refused for good. `reconnecting`: it was
 * online before, and goes on where it was.
 */
export type ClientState = 'offline' | 'connecting' | 'online' | 'reconnecting';

/** What a channel has lost; `reason` as that of a session. */
export interface MissedEvents {
  readonly channel: string;
  readonly reason: CursorReason | undefined;
}

/** What can be listened to, with what the listener gets. */
export interface ClientEvents {
  state: ClientState;
  /** Of each connection, before what was missed. `recovered: false`: something was missed for good. */
  session: Session;
  /** An own action ended, on this device or another. */
  outcome: OutcomeEnvelope;
  /** Anything else on a channel one hears. */
  event: Envelope | EphemeralEnvelope;
  /** Events of a room that is subscribed to are lost for good: one was away for too long. Read it anew. */
  missed: MissedEvents;
  progress: EphemeralEnvelope<Progress>;
  /** The server ends the connection; the client comes back by itself. */
  goaway: Goaway;
  /** The list of pending actions changed. */
  pending: readonly PendingAction[];
  error: TidingsError;
}

/**
 * Gets what happens, each once and in the order of its channel. One that returns a promise
 * gets the next `outcome` or `event` when it has resolved; the position is kept after that.
 */
export type ClientListener<Name extends keyof ClientEvents> = (value: ClientEvents[Name]) => unknown;

/** The client of a Tidings system: submits actions, and hears their outcomes. */
export interface TidingsClient extends ResourceClients {
  /** A resource by the plural name it has in URLs, for those that this client has no types of. */
  resource<Create extends object, Edit extends object, View>(type: string): ResourceClient<Create, Edit, View>;
  readonly actions: ActionsClient;
  /**
   * Connects, and stays so until {@link disconnect}: it comes back by itself and goes on where it was.
   *
   * @throws {TidingsError} when the token is refused, it was disconnected before it was online, or closed
   */
  connect(): Promise<Session>;
  disconnect(): void;
  /**
   * Moves to another socket app, and goes on there where it was.
   *
   * @throws {TypeError} when the URL is none
   */
  useSocket(url: string): void;
  readonly state: ClientState;
  /** Null unless online. */
  readonly session: Session | null;
  /** @returns what ends the listening */
  on<Name extends keyof ClientEvents>(name: Name, listener: ClientListener<Name>): () => void;
  /**
   * Outcomes from now on. One counts as handled when the next is asked for. What waits in a loop
   * that is left, and was heard by no other listener, comes again, with all after it, to the next
   * client on the same storage.
   */
  outcomes(): AsyncIterableIterator<OutcomeEnvelope>;
  /** Hears a channel by its name, such as `room:<id>`; see {@link RoomHandle.subscribe}. */
  subscribe(
    channel: string,
    listener?: (event: SubscriptionEvent) => unknown,
    options?: SubscribeOptions,
  ): Subscription;
  room(id: string): RoomHandle;
  /**
   * Tells the user's other connections, as the event `mirror`. It is not kept: who is away
   * never hears of it.
   *
   * @throws {TidingsError} `NETWORK` while it is not connected; `VALIDATION_FAILED` for what is no JSON
   */
  mirror(event: string, data?: unknown): Promise<void>;
  /** Submitted and not answered yet, the oldest first; a new array whenever it changes. */
  readonly pending: readonly PendingAction[];
  /**
   * Disconnects for good, and rejects whatever is waited for with `CLOSED`. What waits for a slow
   * listener is for the next client on the same storage.
   */
  close(): void;
}

export interface ActionsQuery extends PageQuery {
  status?: ActionStatus;
  type?: string;
  resourceId?: string;
}

export interface ActionsClient {
  /** @throws {TidingsError} `NOT_FOUND` */
  get(id: string): Promise<Action>;
  /** Own actions, the newest first. */
  list(query?: ActionsQuery): Promise<Page<Action>>;
  /** Ends an action that has no outcome yet; gives the action with the outcome it has. */
  cancel(id: string): Promise<Action>;
}

/** An action that was submitted, and has no outcome yet. */
export interface PendingAction {
  /** Names it from the start, before there is an action. */
  readonly idempotencyKey: string;
  /** `<resource>.<verb>` */
  readonly type: string;
  /** Null while the server has not chosen it. */
  readonly resourceId: string | null;
  /** Null for a delete. */
  readonly payload: unknown;
  /** RFC 3339, by the clock of this side. */
  readonly submittedAt: string;
  /** Null until it is accepted. */
  readonly action: AcceptedAction | null;
  /** As {@link SubmittedAction.outcome}; also rejects when it is not accepted. */
  outcome(options?: WaitOptions): Promise<Action>;
}
