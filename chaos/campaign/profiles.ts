import type { Fault } from '../faults/fault.ts';
import { everyKindInMixes, mixes, singles, type Round } from '../schedule/schedule.ts';

export interface Profile {
  rounds: (seed: number, faults: readonly Fault[]) => Iterable<Round>;
  perSecond: number;
  leastAccepted: number;
  /** No round begins after that, in milliseconds. */
  longestMs: number;
}

const MINUTE_MS = 60_000;

export const PROFILES = {
  /** Every kind once, several at a time: for each change of the code. */
  short: { rounds: everyKindInMixes, perSecond: 150, leastAccepted: Infinity, longestMs: 2.5 * MINUTE_MS },
  /** Every kind alone in all its variants, then mixes, until enough was accepted. */
  long: {
    *rounds(seed, faults) {
      yield* singles(seed, faults);
      yield* mixes(seed, faults);
    },
    perSecond: 200,
    leastAccepted: 100_000,
    longestMs: 90 * MINUTE_MS,
  },
  /** Every kind alone in all its variants. */
  singles: { rounds: singles, perSecond: 150, leastAccepted: Infinity, longestMs: 30 * MINUTE_MS },
} satisfies Record<string, Profile>;

export type ProfileName = keyof typeof PROFILES;
