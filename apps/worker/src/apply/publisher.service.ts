import { Injectable, Logger } from '@nestjs/common';
import { lastValueFrom } from 'rxjs';
import { ChannelsClient } from '#channels';
import { eventNameOf, type Envelope } from '#contracts';
import { Ledger } from '#ledger';

/** Publishes what was committed. A failure costs time, not events: receivers find them in the ledger. */
@Injectable()
export class PublisherService {
  private readonly logger = new Logger(PublisherService.name);

  constructor(
    private readonly channels: ChannelsClient,
    private readonly ledger: Ledger,
  ) {}

  /** Publishes in the order given; resolves when Redis has taken all of it, or has failed to. */
  async publish(envelopes: readonly Envelope[]): Promise<void> {
    if (envelopes.length === 0) return;
    const results = await Promise.allSettled(
      envelopes.map((envelope) => lastValueFrom(this.channels.emit(eventNameOf(envelope.type), envelope))),
    );
    const failed = results.filter(({ status }) => status === 'rejected').length;
    if (failed > 0)
      this.logger.warn(`${failed} of ${results.length} events were not published: they wait in the ledger`);
  }

  /**
   * Publishes again for actions that were finished before, perhaps by a worker that died
   * right then: the newest event of each owner, which makes receivers fetch what they miss.
   */
  async republish(actionIds: readonly string[]): Promise<void> {
    if (actionIds.length > 0) await this.publish(await this.ledger.newestEventsOfOwners(actionIds));
  }
}
