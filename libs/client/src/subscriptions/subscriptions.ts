import { evictionOf, isEvicted, type Envelope, type Subscribed } from '#contracts';
import type { MissedEvents } from '../client.ts';
import type { CommandAnswer, CommandName } from '../connection/connection.ts';
import type { Positions } from '../delivery/positions.ts';
import type { SerialListener } from '../delivery/serial-listener.ts';
import { fullJitter } from '../retry.ts';
import type { SubscriptionEvent, SubscribeOptions } from '../subscription.ts';
import { errorOf, TidingsError } from '../tidings-error.ts';
import { ChannelSubscription } from './channel-subscription.ts';

/** Pauses before a refused subscribe that may succeed later is sent again, in milliseconds. */
const PAUSES = { baseMs: 500, mostMs: 10_000 };

/** Problems of the moment. */
const PASSING: ReadonlySet<string> = new Set(['UNAVAILABLE', 'INTERNAL', 'RATE_LIMITED']);

export interface SubscriptionsOptions {
  positions: Positions;
  /** Sends on the connection of the present session, see `Connector.command`. */
  command: <Result extends object>(
    name: CommandName,
    payload: object,
    answered: (answer: CommandAnswer<Result>) => void,
  ) => void;
  isOnline: () => boolean;
  /** No answer came although there is a connection: make it anew. */
  resume: () => void;
  /** A room went on behind what was lost. */
  onMissed: (missed: MissedEvents) => void;
  onListenerError: (cause: unknown) => void;
}

/** A channel that is subscribed to, and by whom. */
interface Live {
  channel: string;
  subscriptions: Set<ChannelSubscription>;
  /** The last answer of the server. */
  subscribed: Subscribed | undefined;
  /** Where it begins the first time; undefined: where the client is. */
  after: string | null | undefined;
  failures: number;
  timer: ReturnType<typeof setTimeout> | undefined;
}

/**
 * The channels that are subscribed to by command: rooms. Each is subscribed to once, however
 * many listen, and again after every reconnect, from the last event that came.
 *
 * A live one is only changed by what belongs to it: an answer that comes when its channel was
 * left meanwhile, or subscribed to anew, finds another one or none, and counts for nothing.
 */
export class Subscriptions {
  readonly #options: SubscriptionsOptions;
  readonly #live = new Map<string, Live>();

  constructor(options: SubscriptionsOptions) {
    this.#options = options;
  }

  add(channel: string, { after }: SubscribeOptions): ChannelSubscription {
    const subscription = new ChannelSubscription({
      channel,
      onError: this.#options.onListenerError,
      onUnsubscribe: (ended) => this.remove(ended),
    });
    const found = this.#live.get(channel);
    if (found) {
      found.subscriptions.add(subscription);
      if (found.subscribed) subscription.begin(found.subscribed);
      return subscription;
    }
    const live: Live = {
      channel,
      subscriptions: new Set([subscription]),
      subscribed: undefined,
      after,
      failures: 0,
      timer: undefined,
    };
    this.#live.set(channel, live);
    this.#options.positions.rewind(channel);
    if (this.#options.isOnline()) this.send(live);
    return subscription;
  }

  /**
   * Whether somebody hears the channel. Not yet while a chosen beginning is not answered: what
   * comes until then was sent for a subscription before it, and comes again if it belongs to this one.
   */
  has(channel: string): boolean {
    const live = this.#live.get(channel);
    return live !== undefined && live.after === undefined;
  }

  listenersOf(channel: string): Pick<SerialListener<SubscriptionEvent>, 'take'>[] {
    const subscriptions = [...(this.#live.get(channel)?.subscriptions ?? [])];
    return subscriptions.flatMap(({ listeners }) => Array.from(listeners));
  }

  /** A session began: the connection knows nothing of the rooms yet. */
  restart(): void {
    for (const live of this.#live.values()) {
      live.failures = 0;
      this.send(live);
    }
  }

  /** The connection ended. */
  pause(): void {
    for (const live of this.#live.values()) clearTimeout(live.timer);
  }

  /** After an event was given to its listeners: it may be the last that this user gets. */
  passed(event: Envelope, userId: string | undefined): void {
    const live = this.#live.get(event.channel);
    if (!live || !isEvicted(evictionOf(event), userId)) return;
    this.end(live, new TidingsError('FORBIDDEN', `The membership in ${event.channel} has ended`));
  }

  close(error: TidingsError): void {
    for (const live of this.#live.values()) {
      for (const subscription of live.subscriptions) subscription.leave();
      this.end(live, error);
    }
  }

  private remove(subscription: ChannelSubscription): void {
    const live = this.#live.get(subscription.channel);
    if (!live?.subscriptions.delete(subscription) || live.subscriptions.size > 0) return;
    clearTimeout(live.timer);
    this.#live.delete(live.channel);
    const { isOnline, command } = this.#options;
    // Whatever is answered: without a live subscription, its events are dropped.
    if (isOnline()) command('unsubscribe', { channel: live.channel }, () => undefined);
  }

  private send(live: Live): void {
    clearTimeout(live.timer);
    const { positions, command } = this.#options;
    const { channel, after } = live;
    // The choice of a beginning replaces what is known.
    if (after !== undefined) positions.forget(channel);
    const cursor = after === undefined ? positions.cursorOf(channel) : (after ?? undefined);
    command<Subscribed>('subscribe', { channel, ...(cursor !== undefined && { cursor }) }, (answer) => {
      if (this.#live.get(channel) === live) this.answered(live, answer);
    });
  }

  private answered(live: Live, answer: CommandAnswer<Subscribed>): void {
    const { positions, resume } = this.#options;
    // The next session subscribes anew.
    if (answer === 'closed') return;
    if (answer === 'late') return resume();
    if (!answer.ok) return this.refused(live, errorOf(answer.problem));
    const { recovered, reason, cursor } = answer;
    const subscribed: Subscribed = { recovered, cursor, ...(reason && { reason }) };
    const isFirst = live.subscribed === undefined;
    live.after = undefined;
    live.failures = 0;
    live.subscribed = subscribed;
    positions.subscribed(subscribed);
    for (const subscription of live.subscriptions) subscription.begin(subscribed);
    // The first answer is what they wait for.
    if (!recovered && !isFirst) this.#options.onMissed({ channel: live.channel, reason });
  }

  private refused(live: Live, error: TidingsError): void {
    if (!PASSING.has(error.code)) {
      this.#options.positions.forget(live.channel);
      return this.end(live, error);
    }
    live.timer = setTimeout(
      () => this.#options.isOnline() && this.send(live),
      fullJitter((live.failures += 1), PAUSES),
    );
  }

  private end(live: Live, error: TidingsError): void {
    clearTimeout(live.timer);
    this.#live.delete(live.channel);
    for (const subscription of live.subscriptions) subscription.finish(error);
  }
}
