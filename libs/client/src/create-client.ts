import {
  isRoomChannel,
  roomChannel,
  userChannel,
  type Envelope,
  type EphemeralEnvelope,
  type OutcomeEnvelope,
  type Session,
} from '#contracts';
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
  TidingsClient,
} from './client.ts';
import type { CommandName } from './connection/connection.ts';
import { Connector } from './connection/connector.ts';
import { DeliveredReports } from './delivery/delivered-reports.ts';
import { EventIterator } from './delivery/event-iterator.ts';
import { Listeners } from './delivery/listeners.ts';
import { Positions } from './delivery/positions.ts';
import { absoluteUrl } from './http/absolute-url.ts';
import { ActionsEndpoint } from './http/actions-endpoint.ts';
import { resourceClients } from './http/resource-clients.ts';
import { ResourceEndpoint } from './http/resource-endpoint.ts';
import { RestClient } from './http/rest.ts';
import type { ResourceClient } from './resource-client.ts';
import type { ResourceClients } from './resources.generated.ts';
import { ClientMemory, recall } from './storage/client-memory.ts';
import { memoryStorage } from './storage/client-storage.ts';
import type { SubscriptionEvent, RoomHandle, SubscribeOptions, Subscription } from './subscription.ts';
import { Subscriptions } from './subscriptions/subscriptions.ts';
import { errorOf, sendable, TidingsError } from './tidings-error.ts';
import { TokenSource } from './token-source.ts';

const SUBMIT_WITHIN_MS = 60_000;

/**
 * Makes a client. It connects when it is asked to; before that it only looks after the
 * actions that the client before it on the same storage left unanswered.
 *
 * @throws {TypeError} when a URL is none
 */
export function createClient(options: ClientOptions): TidingsClient {
  const client = new Client(options);
  return Object.assign(client, client.resources);
}

/** Puts the parts together: what comes passes its position, then the pending actions, then the listeners. */
class Client implements Omit<TidingsClient, keyof ResourceClients> {
  readonly resources: ResourceClients;
  readonly actions: ActionsClient;
  readonly #listeners = new Listeners();
  readonly #iterators = new Set<EventIterator<OutcomeEnvelope>>();
  readonly #rest: RestClient;
  readonly #positions: Positions;
  readonly #pending: PendingActions;
  readonly #memory: ClientMemory;
  readonly #inquiry: LedgerInquiry;
  readonly #submitter: Submitter;
  readonly #connector: Connector;
  readonly #delivered: DeliveredReports;
  readonly #subscriptions: Subscriptions;
  #ownChannel: string | undefined;
  #isClosed = false;

  constructor({
    baseUrl,
    socketUrl = baseUrl,
    token,
    storage = memoryStorage(),
    replayFromStart = false,
    submitWithinMs = SUBMIT_WITHIN_MS,
  }: ClientOptions) {
    const tokens = new TokenSource(token, (user) => this.belongTo(userChannel(user)));
    const storageFailed = (cause: unknown): void =>
      this.#listeners.emit('error', new TidingsError('STORAGE_FAILED', 'Not read, or not written', { cause }));
    // Later: nobody listens yet.
    const kept = recall(storage, (cause) => queueMicrotask(() => storageFailed(cause)));
    const isOnline = (): boolean => this.state === 'online';
    this.#rest = new RestClient(absoluteUrl(baseUrl), tokens);
    this.#positions = new Positions(kept.cursors, replayFromStart);
    this.#pending = new PendingActions(kept.pending, {
      listChanged: () => this.#listeners.emit('pending', this.#pending.list),
      keptChanged: () => this.#memory.changed(),
    });
    this.#memory = new ClientMemory(
      storage,
      () => ({ cursors: this.#positions.handled, pending: this.#pending.kept }),
      storageFailed,
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
    this.resources = resourceClients(this.#rest, this.#submitter);
    this.#connector = new Connector({
      url: absoluteUrl(socketUrl),
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
    this.#delivered = new DeliveredReports((cursor, taken) => this.#connector.delivered(cursor, taken));
    this.#subscriptions = new Subscriptions({
      positions: this.#positions,
      command: (name, payload, answered) => this.#connector.command(name, payload, answered),
      isOnline,
      resume: () => this.#connector.resume(),
      onMissed: (missed) => this.#listeners.emit('missed', missed),
      onListenerError: (cause) => this.#listeners.report('event', cause),
    });
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
    return this.#isClosed ? Promise.reject(wasClosed()) : this.#connector.connect();
  }

  disconnect(): void {
    this.#delivered.flush();
    this.#connector.disconnect();
  }

  useSocket(url: string): void {
    this.#connector.move(absoluteUrl(url));
  }

  on<Name extends keyof ClientEvents>(name: Name, listener: ClientListener<Name>): () => void {
    return this.#listeners.add(name, listener);
  }

  outcomes(): AsyncIterableIterator<OutcomeEnvelope> {
    const iterator = new EventIterator<OutcomeEnvelope>(() => {
      end();
      this.#iterators.delete(iterator);
    });
    const end = this.on('outcome', (outcome) => iterator.offer(outcome));
    if (this.#isClosed) void iterator.return();
    else this.#iterators.add(iterator);
    return iterator;
  }

  subscribe(
    channel: string,
    listener?: (event: SubscriptionEvent) => unknown,
    options: SubscribeOptions = {},
  ): Subscription {
    // Of rooms, which are named by UUIDs.
    const subscription = this.#subscriptions.add(channel.toLowerCase(), options);
    if (this.#isClosed) this.#subscriptions.close(wasClosed());
    if (listener) subscription.on(listener);
    return subscription;
  }

  room(id: string): RoomHandle {
    const channel = roomChannel(id);
    return {
      id,
      channel,
      subscribe: (listener, options) => this.subscribe(channel, listener, options),
      presence: () => this.presence(channel),
    };
  }

  async mirror(event: string, data?: unknown): Promise<void> {
    sendable(() => JSON.stringify(data));
    await this.command('mirror', { event, ...(data !== undefined && { data }) });
  }

  close(): void {
    // First: whoever is told may ask for more.
    this.#isClosed = true;
    const reason = wasClosed();
    this.#subscriptions.close(reason);
    this.#delivered.close();
    this.disconnect();
    this.#memory.close();
    this.#inquiry.close();
    this.#rest.close(reason);
    this.#pending.rejectAll(reason);
    for (const iterator of this.#iterators) void iterator.return();
    this.#listeners.close();
  }

  private async presence(channel: string): Promise<string[]> {
    return (await this.command<{ users: string[] }>('presence', { channel })).users;
  }

  private command<Result extends object>(name: CommandName, payload: object): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#connector.command<Result>(name, payload, (answer) => {
        if (typeof answer === 'string')
          reject(this.#isClosed ? wasClosed() : new TidingsError('NETWORK', `"${name}" was not answered`));
        else if (answer.ok) resolve(answer);
        else reject(errorOf(answer.problem));
      });
    });
  }

  private belongTo(ownChannel: string): void {
    this.#positions.belongTo(ownChannel);
    this.#pending.belongTo(ownChannel);
  }

  private entered(state: ClientState): void {
    if (state !== 'online') this.#subscriptions.pause();
    this.#inquiry.restart();
    this.#listeners.emit('state', state);
  }

  private began(session: Session): void {
    this.#ownChannel = session.userId === null ? undefined : userChannel(session.userId);
    this.#delivered.restart();
    this.#memory.changed();
    const doubtful = this.#pending.unanswered.filter(
      ({ cursor }) => !session.recovered || !this.#positions.covers(cursor),
    );
    void this.#inquiry.ask(doubtful.map(({ id }) => id));
    this.#listeners.emit('session', session);
    // Last: who listened may have subscribed to more.
    this.#subscriptions.restart();
  }

  private heard(name: 'outcome' | 'event', envelope: Envelope | EphemeralEnvelope): void {
    const { channel } = envelope;
    // On its way when the room was left: it comes again to who enters it again.
    if (isRoomChannel(channel) && !this.#subscriptions.has(channel)) return;
    const listeners = this.#subscriptions.listenersOf(channel);
    if (!('offset' in envelope)) return this.#listeners.deliver('event', envelope, () => undefined, listeners);
    const arrival = this.#positions.arrive(envelope);
    if (arrival === 'seen') return;
    if (arrival === 'early') return this.#connector.resume();
    const history = this.#positions.historyOf(channel);
    const settle = (isHandled: boolean): void => this.settled(envelope, history, isHandled);
    if (name === 'event') {
      this.#listeners.deliver('event', envelope, settle, listeners);
      return this.#subscriptions.passed(envelope, this.session?.userId ?? undefined);
    }
    const action = (envelope as Partial<OutcomeEnvelope>).data;
    if (action) this.#pending.settle(action);
    this.#listeners.deliver('outcome', envelope as OutcomeEnvelope, settle);
  }

  private settled(envelope: Envelope, history: object | undefined, isHandled: boolean): void {
    if (this.#isClosed || !this.#positions.settle(envelope, history, isHandled)) return;
    this.#memory.changed();
    if (envelope.channel === this.#ownChannel) this.#delivered.note(envelope.cursor);
  }
}

function wasClosed(): TidingsError {
  return new TidingsError('CLOSED', 'The client was closed');
}
