import type { Load } from '../load/load.ts';
import type { PlannedFault, Schedulable } from '../schedule/schedule.ts';
import type { Instance, Stage } from '../stage/stage.ts';

/** A kind of fault: how it is done, held and healed. */
export interface Fault extends Schedulable {
  /**
   * Does it, holds it as long as planned, and heals it.
   *
   * @returns what proves that it happened, for people to read
   * @throws {Error} when it did not happen; it is healed all the same
   */
  strike: (stage: Stage, plan: PlannedFault, load: Load) => Promise<string>;
}

export function victimOf(instances: readonly Instance[], { victim }: PlannedFault): Instance {
  return instances[Math.floor(victim * instances.length)]!;
}

/** @throws {Error} when a process of this number runs */
export function assertDead(pid: number): void {
  try {
    // Signal 0 only asks.
    process.kill(pid, 0);
  } catch {
    return;
  }
  throw new Error(`process ${pid} is alive`);
}
