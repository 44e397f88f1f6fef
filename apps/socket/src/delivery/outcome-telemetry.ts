import { Injectable } from '@nestjs/common';
import type { Cursor, OutcomeEnvelope } from '#contracts';
import { ActionLog, counter, durations, type TracedAction } from '#telemetry';

/** The objective: an outcome reaches an owner who is connected so soon after its commit, in milliseconds. */
const IN_TIME_MS = 1_000;

/** Most outcomes whose acknowledgement is waited for; the oldest go first. */
const MOST_AWAITED = 1_000;

const deliverSeconds = durations(
  'deliver',
  'From the commit of an outcome to its delivery to the connections of its owner',
);
const endToEndSeconds = durations('end_to_end', 'From the submit of an action to the delivery of its outcome');
const outcomeCount = counter('slo_outcomes', 'Outcomes whose owner is connected');
const inTimeCount = counter('slo_outcomes_in_time', 'Those delivered within a second of their commit');

interface Awaited extends Required<Pick<TracedAction, 'id' | 'type'>> {
  channel: string;
  offset: number;
  traceparent: string | undefined;
  deliveredAt: number;
}

/** Measures and tells what becomes of outcomes; replays are not counted, for their owners were away. */
@Injectable()
export class OutcomeTelemetry {
  readonly #awaited: Awaited[] = [];

  constructor(private readonly log: ActionLog) {}

  /** An outcome was given to the connections of its owner. */
  delivered({ channel, offset, time, traceparent, data }: OutcomeEnvelope): void {
    const now = Date.now();
    // The clocks of servers differ.
    const sinceCommit = Math.max(0, now - Date.parse(time));
    deliverSeconds.observe(sinceCommit / 1_000);
    endToEndSeconds.observe(Math.max(0, now - Date.parse(data.submittedAt)) / 1_000);
    outcomeCount.inc();
    if (sinceCommit <= IN_TIME_MS) inTimeCount.inc();
    if (!this.log.covers(traceparent)) return;
    const { id, type } = data;
    this.log.note('delivered', { id, type, traceparent }, { startedAt: now - sinceCommit, endedAt: now });
    this.#awaited.push({ id, type, traceparent, channel, offset, deliveredAt: now });
    if (this.#awaited.length > MOST_AWAITED) this.#awaited.shift();
  }

  /** A client has handled a channel up to here. */
  acknowledged({ channel, offset }: Cursor): void {
    if (this.#awaited.length === 0) return;
    const endedAt = Date.now();
    const isMeant = (awaited: Awaited): boolean => awaited.channel === channel && awaited.offset <= offset;
    const meant = this.#awaited.filter(isMeant);
    if (meant.length === 0) return;
    this.#awaited.splice(0, Infinity, ...this.#awaited.filter((awaited) => !isMeant(awaited)));
    for (const action of meant) this.log.note('acknowledged', action, { startedAt: action.deliveredAt, endedAt });
  }
}
