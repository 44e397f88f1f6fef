import type { OutcomeEnvelope } from '#contracts';

/** Which of the page's two connections. */
export type DeviceKey = 'first' | 'second';

/** One arrival of an outcome, on one connection. */
export interface Hearing {
  device: DeviceKey;
  instance: string;
  outcome: OutcomeEnvelope;
  /** When, in milliseconds of the page's clock. */
  at: number;
}
