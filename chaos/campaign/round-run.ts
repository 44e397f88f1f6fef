import { loadavg } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import type { Fault } from '../faults/fault.ts';
import type { Recorder } from '../history/recorder.ts';
import type { Load } from '../load/load.ts';
import { labelOf, type Round } from '../schedule/schedule.ts';
import { complaintsAbout } from '../stage/condition.ts';
import type { Stage } from '../stage/stage.ts';

/** What is claimed: every accepted action is answered so soon after the last fault has healed, in milliseconds. */
export const HEALED_WITHIN_MS = 15_000;

/** When waiting for it is given up, in milliseconds. */
const GIVEN_UP_MS = 60_000;

/** Between two rounds, in milliseconds. */
const PEACE_MS = 1_000;

/** What became of one round. Times are those of `performance.now()`, in milliseconds. */
export interface RoundRun {
  /** The faults, by their labels. */
  faults: string[];
  startedAt: number;
  /** What proves that each fault happened, or says that it did not. */
  evidence: string[];
  /** Faults that did not happen. */
  misfires: number;
  /** From the start of the round to the healing of its last fault. */
  lastedMs: number;
  /** From the healing of the last fault until everything was heard that had been accepted by then. */
  healedMs: number;
  /** The action whose outcome was heard last, of those. */
  lastAction?: string | undefined;
  /** Load average of the machine, over a minute. */
  machineLoad: number;
  /** Accepted from the start of the round to the start of the next. */
  accepted: number;
  /** What was wrong with the processes afterwards. */
  complaints: string[];
}

export interface Scene {
  stage: Stage;
  load: Load;
  recorder: Recorder;
  faults: ReadonlyMap<string, Fault>;
}

/** Does the faults of a round at their times, waits until all of them have healed, and looks at what is left. */
export async function runRound({ stage, load, recorder, faults }: Scene, round: Round): Promise<RoundRun> {
  const startedAt = performance.now();
  const before = recorder.accepted;
  let misfires = 0;
  const evidence = await Promise.all(
    round.faults.map(async (plan) => {
      await delay(plan.afterMs);
      try {
        return await faults.get(plan.kind)!.strike(stage, plan, load);
      } catch (error) {
        misfires += 1;
        return `DID NOT HAPPEN: ${labelOf(plan)}: ${String(error)}`;
      }
    }),
  );
  const endedAt = performance.now();
  const { healedMs, lastAction } = await heardAll(recorder, endedAt);
  const complaints = await complaintsAbout(stage);
  await delay(PEACE_MS);
  return {
    faults: round.faults.map(labelOf),
    ...{ startedAt, evidence, misfires, healedMs, lastAction, complaints },
    machineLoad: loadavg()[0]!,
    lastedMs: endedAt - startedAt,
    accepted: recorder.accepted - before,
  };
}

/** How long it takes until all is heard that was accepted until a moment, from then on, in milliseconds. */
export async function heardAll(
  recorder: Recorder,
  acceptedUntil: number,
): Promise<Pick<RoundRun, 'healedMs' | 'lastAction'>> {
  let lastAction: string | undefined;
  for (;;) {
    const healedMs = performance.now() - acceptedUntil;
    const [one] = recorder.awaited(acceptedUntil);
    if (one === undefined || healedMs >= GIVEN_UP_MS) return { healedMs, lastAction };
    lastAction = one;
    await delay(25);
  }
}
