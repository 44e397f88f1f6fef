import type { EphemeralEnvelope, Envelope, Goaway, OutcomeEnvelope, Progress, Session } from '#contracts';
import type { ClientState } from '../client.ts';
import { promiseToCome } from '../promise-to-come.ts';
import { fullJitter } from '../retry.ts';
import { errorOf, TidingsError } from '../tidings-error.ts';
import type { TokenSource } from '../token-source.ts';
import { Connection, type CommandAnswer, type CommandName, type ConnectionEnd } from './connection.ts';
import { TokenRefresh } from './token-refresh.ts';

/** Pauses between attempts, in milliseconds. */
const PAUSES = { baseMs: 500, mostMs: 5_000 };

/** A connection that lasted so long was a good one: the next pause is short again, in milliseconds. */
const GOOD_MS = 5_000;

export interface ConnectorHandlers {
  state(state: ClientState): void;
  /** Before anything else of a connection; false when it begins at a wrong position: it is made anew. */
  accepts(session: Session): boolean;
  session(session: Session): void;
  outcome(outcome: OutcomeEnvelope): void;
  event(event: Envelope | EphemeralEnvelope): void;
  progress(progress: EphemeralEnvelope<Progress>): void;
  goaway(goaway: Goaway): void;
  /** `UNAUTHENTICATED`: it stopped; anything else is tried again. */
  error(error: TidingsError): void;
}

export interface ConnectorOptions {
  url: string;
  tokens: TokenSource;
  cursors: () => string[];
  handlers: ConnectorHandlers;
}

/**
 * Keeps a connection for as long as it is wanted.
 *
 * offline ──connect──▶ connecting ──session──▶ online ──lost, goaway──▶ reconnecting ─┐
 *    ▲                     │                     ▲                           │        │
 *    └─disconnect, a fresh token is refused──────┴───────────session─────────┴────────┘
 */
export class Connector {
  readonly #options: ConnectorOptions;
  readonly #refresh: TokenRefresh;
  #url: string;
  #state: ClientState = 'offline';
  #session: Session | null = null;
  #wanted: PromiseWithResolvers<Session> | undefined;
  #connection: Connection | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Rises with every attempt: what belongs to an older one is over. */
  #turn = 0;
  #failures = 0;
  #onlineSince = 0;
  /** The token that the present connection brought last. */
  #token: string | undefined;
  /** The token that was refused last, until a session begins. */
  #refused: string | undefined;
  readonly #hurry = (): void => this.retryNow();

  constructor(options: ConnectorOptions) {
    this.#options = options;
    this.#url = options.url;
    this.#refresh = new TokenRefresh(() => this.refresh());
  }

  get state(): ClientState {
    return this.#state;
  }

  get session(): Session | null {
    return this.#session;
  }

  connect(): Promise<Session> {
    if (!this.#wanted) {
      this.#wanted = promiseToCome<Session>();
      // Browsers know when the network is back.
      globalThis.addEventListener?.('online', this.#hurry);
      const { promise } = this.#wanted;
      void this.attempt();
      this.enter('connecting');
      return promise;
    }
    return this.#wanted.promise;
  }

  disconnect(reason = new TidingsError('CLOSED', 'The client was disconnected')): void {
    const wanted = this.#wanted;
    if (!wanted) return;
    this.#wanted = undefined;
    this.#failures = 0;
    this.#refused = undefined;
    globalThis.removeEventListener?.('online', this.#hurry);
    this.drop();
    wanted.reject(reason);
    this.enter('offline');
  }

  move(url: string): void {
    this.#url = url;
    this.#failures = 0;
    this.resume();
  }

  /** Makes the connection anew, and goes on where the client is. */
  resume(): void {
    if (!this.#wanted) return;
    this.drop();
    void this.attempt();
    this.leave();
  }

  /** @returns false while it is not connected, see `Connection.delivered` */
  delivered(cursor: string, taken: () => void): boolean {
    return this.#connection?.delivered(cursor, taken) ?? false;
  }

  /** Sends a command on the connection of the present session; without one it is `closed`. */
  command<Result extends object>(
    name: CommandName,
    payload: object,
    answered: (answer: CommandAnswer<Result>) => void,
  ): void {
    if (this.#session && this.#connection) this.#connection.command(name, payload, answered);
    else answered('closed');
  }

  private drop(): void {
    this.#turn += 1;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#refresh.stop();
    this.#connection?.close();
    this.#connection = undefined;
    // Who asks for the session from now on gets the next one.
    if (this.#session) this.#wanted &&= promiseToCome<Session>();
    this.#session = null;
  }

  private enter(state: ClientState): void {
    if (this.#state === state) return;
    this.#state = state;
    this.#options.handlers.state(state);
  }

  private async attempt(): Promise<void> {
    if (!this.#wanted) return;
    const turn = (this.#turn += 1);
    const { tokens, cursors, handlers } = this.#options;
    let token: string;
    try {
      token = await tokens.get(this.#refused);
    } catch (error) {
      if (turn === this.#turn) this.failed(error as TidingsError);
      return;
    }
    if (turn !== this.#turn) return;
    this.#token = token;
    this.#connection = new Connection({
      url: this.#url,
      token,
      cursors: cursors(),
      handlers: {
        ...handlers,
        session: (session) => this.begin(session),
        ended: (end) => this.ended(end),
      },
    });
  }

  private begin(session: Session): void {
    const { handlers } = this.#options;
    if (!handlers.accepts(session)) return this.resume();
    this.#onlineSince = Date.now();
    this.#refused = undefined;
    this.#session = session;
    if (session.tokenExpiresAt !== null) this.#refresh.schedule(session.tokenExpiresAt);
    this.#wanted?.resolve(session);
    handlers.session(session);
    // Whoever was told may have hung up.
    if (this.#session === session) this.enter('online');
  }

  private ended(end: ConnectionEnd): void {
    if (this.#session && Date.now() - this.#onlineSince > GOOD_MS) this.#failures = 0;
    this.drop();
    if (end.kind === 'refused') return this.refused(end);
    if (end.kind === 'lost') this.retryIn(this.nextPause());
    else this.sentAway(end.goaway);
    this.leave();
  }

  private sentAway(goaway: Goaway): void {
    const { reason, reconnectInMs } = goaway;
    if (reason === 'token_expired' || reason === 'revoked') this.#refused = this.#token;
    const isFirst = this.#failures === 0;
    const pause = this.nextPause();
    this.retryIn(isFirst ? reconnectInMs : Math.max(pause, reconnectInMs));
    this.#options.handlers.goaway(goaway);
  }

  private leave(): void {
    if (this.#state === 'online') this.enter('reconnecting');
  }

  private refused({ problem }: ConnectionEnd & { kind: 'refused' }): void {
    const { code } = problem;
    const isAboutToken = code === 'UNAUTHENTICATED' || code === 'TOKEN_EXPIRED';
    const isFresh = this.#refused !== undefined;
    if (isAboutToken) this.#refused = this.#token;
    if (isAboutToken && !isFresh) return void this.attempt();
    this.failed(errorOf(problem));
  }

  private failed(error: TidingsError): void {
    // First: whoever is told may hang up.
    if (error.code === 'UNAUTHENTICATED') this.disconnect(error);
    else this.retryIn(this.nextPause());
    this.#options.handlers.error(error);
  }

  private nextPause(): number {
    const pause = fullJitter(this.#failures, PAUSES);
    this.#failures += 1;
    return pause;
  }

  private retryIn(milliseconds: number): void {
    this.#timer = setTimeout(() => this.retryNow(), milliseconds);
  }

  /** Ends a pause. */
  private retryNow(): void {
    if (this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    void this.attempt();
  }

  private async refresh(): Promise<{ tokenExpiresAt: string }> {
    const connection = this.#connection!;
    const token = await this.#options.tokens.renew();
    if (connection === this.#connection) this.#token = token;
    return connection.refresh(token);
  }
}
