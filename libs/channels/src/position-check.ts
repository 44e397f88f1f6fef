import type { ChannelHistory } from './channel-history.ts';
import type { OrderedChannel } from './ordered-channel.ts';

/** Channels compared in one query. */
const CHUNK = 500;

/** Share of the interval by which it varies, so that instances do not ask in step. */
const JITTER = 0.2;

/**
 * Compares the positions of all channels with the ledger, now and then and on demand: the
 * last resort against whatever was lost without a trace.
 */
export class PositionCheck {
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #isAsked = false;

  constructor(
    private readonly history: ChannelHistory,
    private readonly channels: () => Iterable<OrderedChannel>,
    private readonly intervalMs: number,
  ) {}

  start(): void {
    const wait = this.intervalMs * (1 - JITTER + 2 * JITTER * Math.random());
    this.#timer = setTimeout(() => void this.now().then(() => this.start()), wait);
    this.#timer.unref();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  /** Compares at once; resolves when the comparison is made (what is missing may still be on its way). */
  now(): Promise<void> {
    this.#isAsked = true;
    this.#running ??= this.run();
    return this.#running;
  }

  /** Ends in the turn in which nobody asks any more, so that no one who asks is taken for answered. */
  private async run(): Promise<void> {
    await Promise.resolve();
    try {
      while (this.#isAsked) {
        this.#isAsked = false;
        const channels = [...this.channels()].filter(({ position }) => position !== undefined);
        for (let start = 0; start < channels.length; start += CHUNK) {
          await this.compare(channels.slice(start, start + CHUNK));
        }
      }
    } finally {
      this.#running = undefined;
    }
  }

  private async compare(channels: readonly OrderedChannel[]): Promise<void> {
    // Taken before the heads are read: a head below them cannot be of the same history.
    const seen = channels.map(({ position }) => position!);
    const heads = await this.history.heads(channels.map(({ name }) => name)).catch(() => undefined);
    // It may come back as another one, which has lost its last events.
    if (!heads) return channels.forEach((channel) => channel.doubt());
    heads.forEach((head, index) => channels[index]!.compare(head, seen[index]!));
  }
}
