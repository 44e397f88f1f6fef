import { Injectable, type Type } from '@nestjs/common';
import { EventPublisher } from './event-publisher.ts';
import { isPublishable } from './publishable.ts';

/** Hears events of a class in this process. */
export type EventListener<Event extends object> = (event: Event) => void | Promise<void>;

/**
 * Events between the services of a process, one class for each thing that happens. Those
 * marked with `@Publishable()` reach the sockets too; the others stay inside.
 */
@Injectable()
export class EventBus {
  readonly #listeners = new Map<Type<object>, Set<EventListener<object>>>();

  constructor(private readonly publisher: EventPublisher) {}

  /**
   * Hears events of just this class, until the function that it returns is called.
   */
  on<Event extends object>(type: Type<Event>, listener: EventListener<Event>): () => void {
    const listeners = this.#listeners.get(type) ?? new Set();
    this.#listeners.set(type, listeners.add(listener as EventListener<object>));
    return () => listeners.delete(listener as EventListener<object>);
  }

  /**
   * Emits an event. When it resolves, its listeners are done, and it is committed to its
   * channel if it is to be published.
   *
   * @throws what publishing it, or the first listener that fails, throws; the others are called all the same
   */
  async emit(event: object): Promise<void> {
    const listeners = [...(this.#listeners.get(event.constructor as Type<object>) ?? [])];
    const results = await Promise.allSettled([
      ...(isPublishable(event) ? [this.publisher.publish(event)] : []),
      ...listeners.map(async (listener) => listener(event)),
    ]);
    const failed = results.find(({ status }) => status === 'rejected') as PromiseRejectedResult | undefined;
    if (failed) throw failed.reason;
  }
}
