/** What subscribes to channels, each at the Redis that has it. */
export interface ShardedSubscriber {
  /** Whether everything that is published comes. */
  readonly isConnected: boolean;
  /**
   * Subscribes to a channel. Resolves when Redis has answered; while Redis is away it
   * resolves at once, and `onResubscribed` comes later.
   */
  subscribe(channel: string): Promise<void>;
  unsubscribe(channel: string): void;
  close(): void;
}
