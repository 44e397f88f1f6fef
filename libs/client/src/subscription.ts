import type { Envelope, EphemeralEnvelope, Subscribed } from '#contracts';

/** What a room brings: its events, and who comes and goes (`presence.joined`, `presence.left`). */
export type SubscriptionEvent = Envelope | EphemeralEnvelope;

export interface SubscribeOptions {
  /**
   * A cursor to begin after, `"0"` for all that is retained, or null for what happens from now
   * on. Default: where this client, or the one before it on the same storage, was in the
   * channel, and from now on where it never was. It counts for who subscribes first.
   */
  after?: string | null;
}

/**
 * Hears a channel until it is ended: over reconnects, each event once and in the order of the
 * channel. It also ends when the membership does; {@link ended} tells why.
 */
export interface Subscription {
  readonly channel: string;
  /**
   * Resolves when the server brought it in for the first time. `recovered: false`: something
   * was missed for good.
   *
   * @throws {TidingsError} `FORBIDDEN` for who is no member, `CLOSED` when it was ended before
   */
  readonly ready: Promise<Subscribed>;
  /** Resolves when it is over: with the error if it was not ended from this side. */
  readonly ended: Promise<Error | undefined>;
  /** @returns what ends the listening; one that returns a promise gets the next event when it has resolved */
  on(listener: (event: SubscriptionEvent) => unknown): () => void;
  /** Events from now on. One counts as handled when the next is asked for. */
  events(): AsyncIterableIterator<SubscriptionEvent>;
  unsubscribe(): void;
}

/** A room, whether it is subscribed to or not. */
export interface RoomHandle {
  readonly id: string;
  readonly channel: string;
  /**
   * Hears the room; members only. Listeners that are added in the same tick miss nothing.
   *
   * @param listener gets the events; more can be added
   */
  subscribe(listener?: (event: SubscriptionEvent) => unknown, options?: SubscribeOptions): Subscription;
  /**
   * Who is in the room now, on all instances, each once.
   *
   * @throws {TidingsError} `FORBIDDEN` for who is no member, `NETWORK` while it is not connected
   */
  presence(): Promise<string[]>;
}
