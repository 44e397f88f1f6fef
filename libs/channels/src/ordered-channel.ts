import { Logger } from '@nestjs/common';
import { checkOf, type Cursor, type Envelope } from '#contracts';
import type { BatchedHistory } from './batched-history.ts';

/** Events read from the history at once. */
const PAGE = 200;

/** Most messages that wait; beyond it they are dropped and read from the history instead. */
const MOST_WAITING = 1_000;

/** How many delivered events are remembered by their check. */
const REMEMBERED = 32;

const FIRST_RETRY_MS = 100;
const LONGEST_RETRY_MS = 2_000;

const logger = new Logger('OrderedChannel');

type Step = Envelope | (() => void | Promise<void>);

/** The same for all channels of a server. */
export interface OrderedChannelOptions {
  history: BatchedHistory;
  /** Called for every event, one at a time, in the order of offsets, each once. */
  deliver: (event: Envelope) => Promise<void>;
  /** The history is another one than before: what was delivered does not count any more. */
  onEpoch: (channel: string) => void;
  /** Events that Redis did not bring and the history did. */
  onFilled?: (count: number) => void;
}

/**
 * One channel on this instance: turns what Redis brings (lost, doubled, swapped) into
 * the exact sequence.
 *
 * `position` is the last delivered offset. The next one is delivered; one already seen is
 * dropped; one ahead makes the missing range come from the history first. All of it runs
 * as steps of one queue, so whoever wants to know the position, or to join at it, takes a
 * step too ({@link at}).
 */
export class OrderedChannel {
  readonly #steps: Step[] = [];
  /** The checks of the newest delivered events, by offset. */
  #delivered: Map<number, string> | undefined;
  #position: Cursor | undefined;
  /** Whether messages may have been lost since the position was compared with the history. */
  #isDoubtful = false;
  #running = false;
  #closed = false;

  constructor(
    readonly name: string,
    private readonly options: OrderedChannelOptions,
  ) {}

  /** The last delivered position; undefined until {@link start}. */
  get position(): Cursor | undefined {
    return this.#position;
  }

  /** Everything after `position` is delivered from now on; to be read after the subscription stands. */
  start(position: Cursor): void {
    this.#position = position;
    void this.run();
  }

  /** An event came from Redis. */
  receive(event: Envelope): void {
    if (this.#position && event.offset <= this.#position.offset) return this.dropSeen(event);
    if (this.#steps.length < MOST_WAITING) this.#steps.push(event);
    void this.run();
  }

  /** An event has come that cannot be read here, but for its place: it is taken from the history. */
  announce(offset: number): void {
    if (this.#steps.length < MOST_WAITING) this.#steps.push(() => this.catchUp(offset));
    void this.run();
  }

  /**
   * Messages may have been lost, and with them the first ones of another history: the next
   * event is not taken because of its number alone.
   */
  doubt(): void {
    this.#isDoubtful = true;
  }

  /**
   * Runs `step` between two deliveries: the position stands still while it runs, and is at
   * least `reached` (the history is asked for what Redis has not brought yet).
   */
  at<Result>(reached: number, step: (position: Cursor) => Result | Promise<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#steps.push(async () => {
        try {
          if (this.#position!.offset < reached) await this.catchUp(reached);
          resolve(await step(this.#position!));
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
        }
      });
      void this.run();
    });
  }

  /**
   * Compares with a head of the history that was read when `seen` had been delivered
   * already: what is missing is fetched, and another history is noticed.
   */
  compare(head: Cursor, seen: Cursor): void {
    const same = head.offset === seen.offset && head.check === seen.check;
    if (same) this.#isDoubtful = false;
    if (same) return;
    // A head that is not ahead is of another history: the next read tells so, between two deliveries as every step.
    this.#steps.push(() => this.catchUp(head.offset > seen.offset ? head.offset : this.#position!.offset + 1));
    void this.run();
  }

  /** Nothing is delivered any more, and no step waits for the history; steps still run. */
  close(): void {
    this.#closed = true;
  }

  /** Another event at an offset that was delivered, or at which it started: the ledger may have been restored. It knows. */
  private dropSeen(event: Envelope): void {
    const { offset, check } = this.#position!;
    const delivered = event.offset === offset ? check : this.#delivered?.get(event.offset);
    if (delivered === undefined || delivered === checkOf(event.id)) return;
    this.#steps.push(() => this.verify({ offset: event.offset, check: delivered }));
    void this.run();
  }

  /** Makes sure that the history is still the one of which this was delivered. */
  private async verify({ offset: after, check }: Pick<Cursor, 'offset' | 'check'>): Promise<void> {
    const page = await this.options.history.read({ channel: this.name, after, check, limit: 1 }).catch(() => undefined);
    if (!page) this.doubt();
    else if (page.reason !== undefined) this.leaveEpoch(page.head);
  }

  private async run(): Promise<void> {
    if (this.#running || !this.#position) return;
    this.#running = true;
    try {
      for (let step = this.#steps.shift(); step !== undefined; step = this.#steps.shift()) {
        await (typeof step === 'function' ? step() : this.accept(step));
      }
    } finally {
      this.#running = false;
    }
  }

  private async accept(event: Envelope): Promise<void> {
    const { offset } = this.#position!;
    if (event.offset <= offset) return this.dropSeen(event);
    if (event.offset !== offset + 1 || this.#isDoubtful) await this.catchUp(event.offset);
    if (event.offset === this.#position!.offset + 1) await this.deliver(event);
  }

  private async deliver(event: Envelope): Promise<void> {
    if (this.#closed) return;
    try {
      await this.options.deliver(event);
    } catch (error) {
      logger.error(`a handler failed on ${event.type} at ${this.name} ${event.offset}`, error);
    }
    const check = checkOf(event.id);
    this.#position = { channel: this.name, offset: event.offset, check };
    this.#delivered ??= new Map();
    this.#delivered.set(event.offset, check);
    this.#delivered.delete(event.offset - REMEMBERED);
  }

  /** Delivers from the history until `target` is delivered; tries again while the history is away. */
  private async catchUp(target: number): Promise<void> {
    let wait = FIRST_RETRY_MS;
    while (!this.#closed && this.#position!.offset < target) {
      const { offset: after, check } = this.#position!;
      // Before it reads: what may get lost from now on is not in the page.
      this.#isDoubtful = false;
      try {
        const page = await this.options.history.read({ channel: this.name, after, check, limit: PAGE });
        if (page.reason !== undefined) return this.leaveEpoch(page.head);
        if (page.events.length === 0) return;
        for (const event of page.events) await this.deliver(event);
        this.options.onFilled?.(page.events.length);
      } catch (error) {
        logger.warn(`cannot read the history of ${this.name}: ${String(error)}`);
        await new Promise((resolve) => setTimeout(resolve, wait).unref());
        wait = Math.min(wait * 2, LONGEST_RETRY_MS);
      }
    }
  }

  private leaveEpoch(head: Cursor): void {
    logger.warn(`the history of ${this.name} is another one: ${JSON.stringify({ before: this.#position, now: head })}`);
    const others = this.#steps.filter((step) => typeof step === 'function');
    this.#steps.splice(0, this.#steps.length, ...others);
    this.#delivered = undefined;
    this.#isDoubtful = false;
    this.#position = head;
    this.options.onEpoch(this.name);
  }
}
