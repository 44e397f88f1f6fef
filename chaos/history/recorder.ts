import { userChannel, type EphemeralEnvelope, type Envelope, type OutcomeEnvelope } from '#contracts';
import type { Ear, Hearing, History, Submit } from './history.ts';

/** Writes the history, and knows at any moment which outcomes are still to be heard. */
export class Recorder implements History {
  readonly submits: Submit[] = [];
  readonly ears: Ear[] = [];
  readonly hearings: Hearing[] = [];
  readonly incidents: History['incidents'] = [];
  readonly #earsOf = new Map<string, number>();
  /** Accepted actions that not all ears of their owner have heard of. */
  readonly #awaited = new Map<string, { acceptedAt: number; owner: string }>();
  readonly #heard = new Map<string, number>();
  #accepted = 0;
  /** When the last outcome was heard that somebody waited for. */
  lastHeardAt = 0;

  /** Actions that were accepted so far. */
  get accepted(): number {
    return this.#accepted;
  }

  addEar(name: string, userId: string): Ear {
    const ear: Ear = { name, userId, floors: new Map() };
    this.ears.push(ear);
    this.#earsOf.set(userId, (this.#earsOf.get(userId) ?? 0) + 1);
    return ear;
  }

  begin(submit: Pick<Submit, 'key' | 'owner' | 'type' | 'resourceId'>): Submit {
    const begun: Submit = { ...submit, startedAt: performance.now(), tries: 0, actionIds: [] };
    this.submits.push(begun);
    return begun;
  }

  accept(submit: Submit, actionId: string): void {
    if (!submit.actionIds.includes(actionId)) submit.actionIds.push(actionId);
    this.finish(submit, 'accepted');
    this.#accepted += 1;
    this.#awaited.set(actionId, { acceptedAt: submit.endedAt!, owner: submit.owner });
    this.settle(actionId);
  }

  refuse(submit: Submit, refusal: string): void {
    submit.refusal = refusal;
    this.finish(submit, 'refused');
  }

  giveUp(submit: Submit): void {
    this.finish(submit, 'unanswered');
  }

  hear(ear: Ear, envelope: Envelope | OutcomeEnvelope, isOutcome: boolean): void {
    const { channel, offset, id: eventId, type, data } = envelope;
    const actionId = isOutcome ? (data as { id: string }).id : undefined;
    const at = performance.now();
    this.hearings.push({ ear, channel, offset, eventId, type, ...(actionId !== undefined && { actionId }), at });
    if (actionId === undefined) return;
    this.#heard.set(actionId, (this.#heard.get(actionId) ?? 0) + 1);
    this.settle(actionId);
  }

  /** Progress is in no ledger: whose it is shows at once. */
  glimpse(ear: Ear, { channel }: EphemeralEnvelope): void {
    if (channel !== userChannel(ear.userId)) this.report('foreign', `${ear.name} saw progress on ${channel}`);
  }

  report(kind: 'foreign' | 'lost', what: string): void {
    this.incidents.push({ kind, what, at: performance.now() });
  }

  /** Those accepted until a moment that somebody has not heard the outcome of. */
  awaited(acceptedUntil = Infinity): string[] {
    return [...this.#awaited].filter(([, { acceptedAt }]) => acceptedAt <= acceptedUntil).map(([id]) => id);
  }

  private settle(actionId: string): void {
    const awaited = this.#awaited.get(actionId);
    if (!awaited || this.#heard.get(actionId) !== this.#earsOf.get(awaited.owner)) return;
    this.#awaited.delete(actionId);
    this.#heard.delete(actionId);
    this.lastHeardAt = performance.now();
  }

  private finish(submit: Submit, end: NonNullable<Submit['end']>): void {
    submit.end = end;
    submit.endedAt = performance.now();
  }
}
