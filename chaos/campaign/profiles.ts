import { atEndOfFile } from '#testing';
import { FAULTS } from '../faults/catalogue.ts';
import { clockFaults } from '../faults/clock-faults.ts';
import { diskFaults, mountSmallDisk } from '../faults/disk-faults.ts';
import type { Fault } from '../faults/fault.ts';
import { everyKindInMixes, mixes, singles, type Round } from '../schedule/schedule.ts';

/** What a profile needs of the machine, besides processes. */
export interface Equipment {
  faults: readonly Fault[];
  /** Where Redis keeps its data. */
  folder: string;
}

export interface Profile {
  equip: (folder: string) => Promise<Equipment>;
  rounds: (seed: number, faults: readonly Fault[]) => Iterable<Round>;
  perSecond: number;
  leastAccepted: number;
  /** No round begins after that, in milliseconds. */
  longestMs: number;
}

const MINUTE_MS = 60_000;

const usual = async (folder: string): Promise<Equipment> => ({ folder, faults: FAULTS });

/** Without the one that takes a minute: it has to kill all workers, again and again. */
const short = async (folder: string): Promise<Equipment> => ({
  folder,
  faults: FAULTS.filter(({ name }) => name !== 'killer'),
});

export const PROFILES = {
  /** Every kind but one once, several at a time: for each change of the code. */
  short: {
    equip: short,
    rounds: everyKindInMixes,
    perSecond: 150,
    leastAccepted: Infinity,
    longestMs: 2.5 * MINUTE_MS,
  },
  /** Every kind alone in all its variants, then mixes, until enough was accepted. */
  long: {
    equip: usual,
    *rounds(seed, faults) {
      yield* singles(seed, faults);
      yield* mixes(seed, faults);
    },
    perSecond: 200,
    leastAccepted: 100_000,
    longestMs: 90 * MINUTE_MS,
  },
  /** Every kind alone in all its variants. */
  singles: { equip: usual, rounds: singles, perSecond: 150, leastAccepted: Infinity, longestMs: 30 * MINUTE_MS },
  /** Clocks that jump: needs libfaketime. */
  clock: {
    equip: async (folder) => ({ folder, faults: await clockFaults() }),
    ...{ rounds: singles, perSecond: 150, leastAccepted: Infinity, longestMs: 10 * MINUTE_MS },
  },
  /** The disk of Redis is full: needs root. */
  disk: {
    equip: async (parent) => {
      const disk = await mountSmallDisk(parent);
      atEndOfFile(disk.unmount);
      return { folder: disk.folder, faults: diskFaults(disk) };
    },
    ...{ rounds: singles, perSecond: 150, leastAccepted: Infinity, longestMs: 10 * MINUTE_MS },
  },
} satisfies Record<string, Profile>;

export type ProfileName = keyof typeof PROFILES;
