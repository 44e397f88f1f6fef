import type { Cursor, CursorReason, Envelope } from '#contracts';

/** What to read: events after a position. Without a `check` the position is trusted. */
export interface HistoryRequest {
  channel: string;
  after: number;
  check?: string;
  /** Most events in the answer. */
  limit: number;
}

export interface HistoryPage {
  /** In order and without a hole, from `after + 1`, or from the oldest retained when `reason` is there. */
  events: Envelope[];
  /** Why the position could not be honoured whole. */
  reason?: CursorReason;
  /** The newest position of the channel when it was read. */
  head: Cursor;
  /** The check of offset 0. */
  epoch: string;
}

/**
 * Port: where channels can be read back. What Redis carries may get lost or swapped; what
 * is here is complete.
 */
export abstract class ChannelHistory {
  /** The newest position of each channel, in the order given; offset 0 for one without events. */
  abstract heads(channels: readonly string[]): Promise<Cursor[]>;

  /** A page for each request, in their order. */
  abstract read(requests: readonly HistoryRequest[]): Promise<HistoryPage[]>;
}
