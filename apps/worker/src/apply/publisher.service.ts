import { Injectable, Logger } from '@nestjs/common';
import { lastValueFrom } from 'rxjs';
import { ChannelsClient } from '#channels';
import { eventNameOf, OUTCOME_STATUSES, type Envelope, type OutcomeEnvelope } from '#contracts';
import { Ledger } from '#ledger';
import { ActionLog, counter, counters, durations } from '#telemetry';

const publishSeconds = durations('publish', 'Giving the events of one transaction to Redis');
const failureCount = counter('publish_failures', 'Events that Redis did not take: they wait in the ledger');
const finishedCounts = counters('actions_finished', 'Actions that got their outcome', 'status', OUTCOME_STATUSES);

/** Publishes what was committed. A failure costs time, not events: receivers find them in the ledger. */
@Injectable()
export class PublisherService {
  private readonly logger = new Logger(PublisherService.name);

  constructor(
    private readonly channels: ChannelsClient,
    private readonly ledger: Ledger,
    private readonly log: ActionLog,
  ) {}

  /** Publishes what was just committed, in the order given; resolves when Redis has taken all of it, or has failed to. */
  async publish(envelopes: readonly Envelope[]): Promise<void> {
    if (envelopes.length === 0) return;
    const startedAt = Date.now();
    const byType = Map.groupBy(envelopes, ({ type }) => type);
    for (const status of OUTCOME_STATUSES) finishedCounts[status].inc(byType.get(`action.${status}`)?.length ?? 0);
    await this.send(envelopes);
    const endedAt = Date.now();
    for (const envelope of envelopes) {
      const { traceparent } = envelope;
      if (!isOutcome(envelope) || !this.log.covers(traceparent)) continue;
      const { id, type } = envelope.data;
      this.log.note('published', { id, type, traceparent }, { startedAt, endedAt });
    }
  }

  private async send(envelopes: readonly Envelope[]): Promise<void> {
    const endTimer = publishSeconds.startTimer();
    const results = await Promise.allSettled(
      envelopes.map((envelope) => lastValueFrom(this.channels.emit(eventNameOf(envelope.type), envelope))),
    );
    const failed = results.filter(({ status }) => status === 'rejected').length;
    endTimer();
    failureCount.inc(failed);
    if (failed > 0)
      this.logger.warn(`${failed} of ${results.length} events were not published: they wait in the ledger`);
  }

  /**
   * Publishes again for actions that were finished before, perhaps by a worker that died
   * right then: the newest event of each owner, which makes receivers fetch what they miss.
   */
  async republish(actionIds: readonly string[]): Promise<void> {
    if (actionIds.length === 0) return;
    const newest = await this.ledger.newestEventsOfOwners(actionIds);
    if (newest.length > 0) await this.send(newest);
  }
}

function isOutcome(envelope: Envelope): envelope is OutcomeEnvelope {
  return eventNameOf(envelope.type) === 'outcome';
}
