import type { Subscribed } from '#contracts';
import { EventIterator } from '../delivery/event-iterator.ts';
import { SerialListener } from '../delivery/serial-listener.ts';
import { promiseToCome } from '../promise-to-come.ts';
import type { SubscriptionEvent, Subscription } from '../subscription.ts';
import { TidingsError } from '../tidings-error.ts';

/** Comes to listeners after the last event. */
const END = Symbol('end');

export interface ChannelSubscriptionOptions {
  channel: string;
  /** A listener threw. */
  onError: (cause: unknown) => void;
  /** It was ended from this side. */
  onUnsubscribe: (subscription: ChannelSubscription) => void;
}

/** What one part of the program wants of a channel; several share what the server sends. */
export class ChannelSubscription implements Subscription {
  readonly channel: string;
  readonly ready: Promise<Subscribed>;
  readonly ended: Promise<Error | undefined>;
  readonly listeners = new Set<SerialListener<SubscriptionEvent | typeof END>>();
  readonly #options: ChannelSubscriptionOptions;
  readonly #ready = promiseToCome<Subscribed>();
  readonly #ended = Promise.withResolvers<Error | undefined>();
  readonly #iterators = new Set<EventIterator<SubscriptionEvent>>();
  #isOver = false;

  constructor(options: ChannelSubscriptionOptions) {
    this.#options = options;
    this.channel = options.channel;
    this.ready = this.#ready.promise;
    this.ended = this.#ended.promise;
  }

  on(listener: (event: SubscriptionEvent) => unknown): () => void {
    return this.listen((event) => event === END || listener(event));
  }

  events(): AsyncIterableIterator<SubscriptionEvent> {
    const iterator = new EventIterator<SubscriptionEvent>(() => {
      end();
      this.#iterators.delete(iterator);
    });
    const end = this.listen((event) => (event === END ? iterator.return() : iterator.offer(event)));
    if (this.#isOver) void iterator.return();
    else this.#iterators.add(iterator);
    return iterator;
  }

  unsubscribe(): void {
    if (this.#isOver) return;
    this.leave();
    this.finish(undefined);
    this.#options.onUnsubscribe(this);
  }

  /** Nobody listens any more, not even to what waits. */
  leave(): void {
    for (const iterator of this.#iterators) void iterator.return();
    for (const listener of this.listeners) listener.end();
    this.listeners.clear();
  }

  begin(subscribed: Subscribed): void {
    this.#ready.resolve(subscribed);
  }

  /** The server brings no more; listeners still get what came before. */
  finish(error: TidingsError | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#ready.reject(error ?? new TidingsError('CLOSED', 'Unsubscribed before it began'));
    this.#ended.resolve(error);
    for (const listener of this.listeners) listener.take(END, () => undefined);
  }

  private listen(listener: (event: SubscriptionEvent | typeof END) => unknown): () => void {
    if (this.#isOver) return () => undefined;
    const serial = new SerialListener(listener, this.#options.onError);
    this.listeners.add(serial);
    return () => {
      if (this.listeners.delete(serial)) serial.end();
    };
  }
}
