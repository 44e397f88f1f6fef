import { v4 as uuid } from 'uuid';
import type { TidingsClient } from '#client';
import type { Action } from '#contracts';
import type { Hearing } from '../activity/hearing.ts';

const EVERY_MS = 400;

/** How long a sample is shown, in milliseconds. */
export const WINDOW_MS = 60_000;

/** One action that was submitted only to see how long its outcome takes. */
export class Sample {
  readonly resourceId = uuid();
  readonly sentAt = performance.now();
  isAccepted = $state(false);
  isRefused = $state(false);
  /** From the submit to the outcome, in milliseconds. */
  answeredMs: number | undefined = $state();
  /** The outcome came after a reconnect. */
  isReplayed = $state(false);

  get isWaiting(): boolean {
    return this.answeredMs === undefined && !this.isRefused;
  }
}

/** Submits a small action again and again, and keeps account: every one that is accepted must be answered. */
export class LatencyProbe {
  samples: readonly Sample[] = $state.raw([]);
  isRunning = $state(false);
  accepted = $state(0);
  answered = $state(0);
  private readonly client: TidingsClient;
  private readonly waiting = new Map<string, Sample>();
  /** Of answered samples, too: the second device hears them later. */
  private readonly own = new Set<string>();
  private timer: ReturnType<typeof setInterval> | undefined;

  constructor(client: TidingsClient) {
    this.client = client;
  }

  start(): void {
    this.isRunning = true;
    this.timer ??= setInterval(() => void this.submit(), EVERY_MS);
  }

  stop(): void {
    this.isRunning = false;
    clearInterval(this.timer);
    this.timer = undefined;
  }

  isOf({ resource }: Action): boolean {
    return this.own.has(resource.id);
  }

  /** Takes in an outcome. What counts is this device: the second one is at another instance. */
  heard({ device, outcome: { data, replayed }, at }: Hearing): void {
    if (device !== 'first') return;
    const sample = this.waiting.get(data.resource.id);
    if (!sample) return;
    this.waiting.delete(data.resource.id);
    sample.answeredMs = at - sample.sentAt;
    sample.isReplayed = replayed === true;
    this.answered += 1;
    // The outcome may overtake the answer to the submit.
    this.accept(sample);
  }

  private async submit(): Promise<void> {
    const sample = new Sample();
    this.own.add(sample.resourceId);
    this.waiting.set(sample.resourceId, sample);
    const oldest = performance.now() - WINDOW_MS;
    this.samples = [...this.samples.filter(({ sentAt, isWaiting }) => isWaiting || sentAt > oldest), sample];
    try {
      const drills = this.client.resource<object, object, object>('drills');
      await drills.create({}, { id: sample.resourceId });
      this.accept(sample);
    } catch {
      this.waiting.delete(sample.resourceId);
      sample.isRefused = true;
    }
  }

  private accept(sample: Sample): void {
    if (sample.isAccepted) return;
    sample.isAccepted = true;
    this.accepted += 1;
  }
}
