import { userChannel, type Envelope, type EphemeralEnvelope, type OutcomeEnvelope, type Session } from '#contracts';
import { LedgerInquiry } from './actions/ledger-inquiry.ts';
import { PendingActions } from './actions/pending-actions.ts';
import { Submitter } from './actions/submitter.ts';
import type {
  ActionsClient,
  ClientEvents,
  ClientListener,
  ClientOptions,
  ClientState,
  PendingAction,
  ResourceClient,
  TidingsClient,
} from './client.ts';
import { Connector } from './connection/connector.ts';
import { DeliveredReports } from './delivery/delivered-reports.ts';
import { Listeners } from './delivery/listeners.ts';
import { OutcomeIterator } from './delivery/outcome-iterator.ts';
import { Positions } from './delivery/positions.ts';
import { ActionsEndpoint } from './http/actions-endpoint.ts';
import { ResourceEndpoint } from './http/resource-endpoint.ts';
import { RestClient } from './http/rest.ts';
import type { CreateMessage, EditMessage, Message } from './resources.ts';
import { ClientMemory, recall } from './storage/client-memory.ts';
import { memoryStorage } from './storage/client-storage.ts';
import { TidingsError } from './tidings-error.ts';
import { TokenSource } from './token-source.ts';

const SUBMIT_WITHIN_MS = 60_000;

/**
 * Makes a client. It connects when it is asked to; before that it only looks after the
 * actions that the client before it on the same storage left unanswered.
 */
export function createClient(options: ClientOptions): TidingsClient {
  return new Client(options);
}

/** Puts the parts together: what comes passes its position, then the pending actions, then the listeners. */
class Client implements TidingsClient {
  readonly messages: ResourceClient<CreateMessage, EditMessage, Message>;
  readonly actions: ActionsClient;
  readonly #listeners = new Listeners();
  readonly #iterators = new Set<OutcomeIterator>();
  readonly #rest: RestClient;
  readonly #positions: Positions;
  readonly #pending: PendingActions;
  readonly #memory: ClientMemory;
  readonly #inquiry: LedgerInquiry;
  readonly #submitter: Submitter;
  readonly #connector: Connector;
  readonly #delivered: DeliveredReports;
  #ownChannel: string | undefined;

  constructor({
    baseUrl,
    socketUrl = baseUrl,
    token,
    storage = memoryStorage(),
    replayFromStart = false,
    submitWithinMs = SUBMIT_WITHIN_MS,
  }: ClientOptions) {
    const tokens = new TokenSource(token);
    const kept = recall(storage);
    const isOnline = (): boolean => this.state === 'online';
    this.#rest = new RestClient(baseUrl, tokens);
    this.#positions = new Positions(kept.cursors, replayFromStart);
    this.#pending = new PendingActions(kept.pending, {
      listChanged: () => this.#listeners.emit('pending', this.#pending.list),
      keptChanged: () => this.#memory.changed(),
    });
    this.#memory = new ClientMemory(
      storage,
      () => ({ cursors: this.#positions.handled, pending: this.#pending.kept }),
      (cause) => this.#listeners.emit('error', new TidingsError('STORAGE_FAILED', 'It was not written', { cause })),
    );
    const actions = new ActionsEndpoint(this.#rest, (action) => this.#pending.settle(action));
    this.actions = actions;
    this.#inquiry = new LedgerInquiry({ pending: this.#pending, get: (id) => actions.look(id), isOnline });
    this.#submitter = new Submitter({
      rest: this.#rest,
      pending: this.#pending,
      positions: this.#positions,
      inquiry: this.#inquiry,
      isOnline,
      cancel: (id) => actions.cancel(id),
      withinMs: submitWithinMs,
    });
    this.messages = this.resource('messages');
    this.#connector = new Connector({
      url: socketUrl,
      tokens,
      cursors: () => this.#positions.forHandshake,
      handlers: {
        state: (state) => this.entered(state),
        accepts: (session) => this.#positions.start(session),
        session: (session) => this.began(session),
        outcome: (outcome) => this.heard('outcome', outcome),
        event: (event) => this.heard('event', event),
        progress: (progress) => this.#listeners.emit('progress', progress),
        goaway: (goaway) => this.#listeners.emit('goaway', goaway),
        error: (error) => this.#listeners.emit('error', error),
      },
    });
    this.#delivered = new DeliveredReports((cursor) => this.#connector.delivered(cursor));
    this.#inquiry.restart();
  }

  get state(): ClientState {
    return this.#connector.state;
  }

  get session(): Session | null {
    return this.#connector.session;
  }

  get pending(): readonly PendingAction[] {
    return this.#pending.list;
  }

  resource<Create extends object, Edit extends object, View>(type: string): ResourceClient<Create, Edit, View> {
    return new ResourceEndpoint<Create, Edit, View>(type, this.#rest, this.#submitter);
  }

  connect(): Promise<Session> {
    return this.#connector.connect();
  }

  disconnect(): void {
    this.#delivered.flush();
    this.#connector.disconnect();
  }

  useSocket(url: string): void {
    this.#connector.move(url);
  }

  on<Name extends keyof ClientEvents>(name: Name, listener: ClientListener<Name>): () => void {
    return this.#listeners.add(name, listener);
  }

  outcomes(): AsyncIterableIterator<OutcomeEnvelope> {
    const iterator = new OutcomeIterator(() => {
      end();
      this.#iterators.delete(iterator);
    });
    const end = this.on('outcome', (outcome) => iterator.offer(outcome));
    this.#iterators.add(iterator);
    return iterator;
  }

  close(): void {
    this.#delivered.close();
    this.disconnect();
    this.#memory.close();
    this.#inquiry.close();
    this.#rest.close();
    this.#pending.rejectAll(new TidingsError('CLOSED', 'The client was closed before the outcome'));
    for (const iterator of this.#iterators) void iterator.return();
  }

  private entered(state: ClientState): void {
    this.#inquiry.restart();
    this.#listeners.emit('state', state);
  }

  private began(session: Session): void {
    this.#ownChannel = session.userId === null ? undefined : userChannel(session.userId);
    this.#delivered.flush();
    this.#memory.changed();
    const doubtful = this.#pending.unanswered.filter(
      ({ cursor }) => !session.recovered || !this.#positions.covers(cursor),
    );
    void this.#inquiry.ask(doubtful.map(({ id }) => id));
    this.#listeners.emit('session', session);
  }

  private heard(name: 'outcome' | 'event', envelope: Envelope | EphemeralEnvelope): void {
    if (!('offset' in envelope)) return this.#listeners.emit('event', envelope);
    const arrival = this.#positions.arrive(envelope);
    if (arrival === 'seen') return;
    if (arrival === 'early') return this.#connector.resume();
    const history = this.#positions.historyOf(envelope.channel);
    const handled = (): void => this.handled(envelope, history);
    if (name === 'event') return this.#listeners.deliver('event', envelope, handled);
    this.#pending.settle((envelope as OutcomeEnvelope).data);
    this.#listeners.deliver('outcome', envelope as OutcomeEnvelope, handled);
  }

  private handled(envelope: Envelope, history: object | undefined): void {
    this.#positions.markHandled(envelope, history);
    this.#memory.changed();
    if (envelope.channel === this.#ownChannel) this.#delivered.note(envelope.cursor);
  }
}
