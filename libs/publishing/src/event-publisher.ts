import { Injectable, Logger } from '@nestjs/common';
import { lastValueFrom } from 'rxjs';
import { ChannelsClient } from '#channels';
import type { ChannelEvent, Envelope } from '#contracts';
import { isUnavailable } from '#database';
import { Ledger } from '#ledger';
import { toChannelEvent } from './publishable.ts';

/** Most events in one transaction. */
const BATCH = 200;

interface Waiting {
  event: ChannelEvent;
  resolve: (envelope: Envelope) => void;
  reject: (error: unknown) => void;
}

/**
 * Tells sockets what happened, from anywhere: appends the event to its channel in the
 * ledger, and then publishes it. Who is away gets it at the next connection.
 *
 * Events of one process reach a channel in the order in which they were published; those
 * of one moment share a transaction.
 */
@Injectable()
export class EventPublisher {
  private readonly logger = new Logger(EventPublisher.name);
  readonly #waiting: Waiting[] = [];
  #isRunning = false;

  constructor(
    private readonly ledger: Ledger,
    private readonly channels: ChannelsClient,
  ) {}

  /**
   * Publishes an event whose class is marked with `@Publishable()`. When it resolves, the
   * event is committed. After an error that tells of a lost connection it may be committed
   * all the same: who tries again may be heard twice.
   *
   * @returns what the sockets get
   * @throws {Error} when the event cannot be told, or the ledger is away
   */
  async publish(event: object): Promise<Envelope> {
    const told = toChannelEvent(event);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ event: told, resolve, reject });
      if (!this.#isRunning) void this.run();
    });
  }

  /** One transaction at a time: so the order holds. */
  private async run(): Promise<void> {
    this.#isRunning = true;
    // Others of this moment come along.
    await Promise.resolve();
    while (this.#waiting.length > 0) await this.append(this.#waiting.splice(0, BATCH));
    this.#isRunning = false;
  }

  private async append(batch: readonly Waiting[]): Promise<void> {
    try {
      const envelopes = await this.ledger.append(batch.map(({ event }) => event));
      batch.forEach(({ resolve }, index) => resolve(envelopes[index]!));
      this.hint(envelopes);
    } catch (error) {
      // One bad event must not take its neighbours with it.
      if (batch.length > 1 && !isUnavailable(error)) for (const waiting of batch) await this.append([waiting]);
      else for (const { reject } of batch) reject(error);
    }
  }

  /** What does not get through is found in the ledger by the receivers. */
  private hint(envelopes: readonly Envelope[]): void {
    for (const envelope of envelopes) {
      lastValueFrom(this.channels.emit('event', envelope)).catch((error: unknown) => {
        this.logger.warn(`an event on ${envelope.channel} waits in the ledger: ${String(error)}`);
      });
    }
  }
}
