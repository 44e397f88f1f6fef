import type { History, Hearing } from '../history/history.ts';

type Tampering = (hearings: Hearing[], at: number) => void;

/** What can be done to one outcome of a history: each must be noticed. */
const TAMPERINGS = {
  lost: (hearings, at) => void hearings.splice(at, 1),
  duplicated: (hearings, at) => void hearings.push({ ...hearings[at]! }),
  reordered: (hearings, at) => void hearings.push(...hearings.splice(at, 1)),
  foreign: (hearings, at) => {
    const { ear, ...heard } = hearings[at]!;
    const stranger = hearings.find(({ ear: { userId } }) => userId !== ear.userId)!.ear;
    hearings.push({ ...heard, ear: stranger });
  },
  phantom: (hearings, at) => {
    const last = hearings.findLast(
      ({ ear, channel }) => ear === hearings[at]!.ear && channel === hearings[at]!.channel,
    )!;
    hearings.push({ ...last, offset: last.offset + 1, eventId: crypto.randomUUID(), actionId: crypto.randomUUID() });
  },
} satisfies Record<string, Tampering>;

export type TamperingName = keyof typeof TAMPERINGS;
export const TAMPERING_NAMES = Object.keys(TAMPERINGS) as TamperingName[];

/** Falsifies one outcome in the middle of a history: to prove that a run with such an outcome fails. */
export function tamper(history: History, name: TamperingName): void {
  const { hearings } = history;
  const outcomes = hearings.filter(({ actionId }) => actionId !== undefined);
  TAMPERINGS[name](hearings, hearings.indexOf(outcomes[outcomes.length >> 1]!));
}
