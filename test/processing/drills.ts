import { randomUUID } from 'node:crypto';
import type { AcceptedAction, Problem } from '#contracts';
import type { StartedApp, System, TestUser } from '#testing';

/** What a drill shall do; see the resource `drills`. */
export interface DrillPayload {
  performMs?: number;
  fault?: 'throw' | 'reject' | 'hang' | 'block' | 'exit' | 'deep' | 'nul' | 'huge';
  faultyAttempts?: number;
  inPerform?: boolean;
}

export interface BatchItem {
  type: string;
  resourceId: string;
  payload?: object;
}

/** One drill, as an item of a batch. */
export function drill(payload: DrillPayload = {}, resourceId: string = randomUUID()): BatchItem {
  return { type: 'drills.edit', resourceId, payload };
}

export function drills(count: number, payload: DrillPayload = {}): BatchItem[] {
  return Array.from({ length: count }, () => drill(payload));
}

const MOST = 1_000;

/** Submits them in their order. */
export async function submitAll(user: TestUser, items: readonly BatchItem[]): Promise<AcceptedAction[]> {
  const accepted: AcceptedAction[] = [];
  for (let start = 0; start < items.length; start += MOST) {
    const actions = items.slice(start, start + MOST);
    const { status, body } = await user.call<{ results: { action?: AcceptedAction; problem?: Problem }[] }>(
      'POST',
      '/v1/actions/batch',
      { body: { actions } },
    );
    const refused = status === 202 ? body.results.find(({ problem }) => problem) : body;
    if (refused) throw new Error(`a batch was answered ${status}: ${JSON.stringify(refused)}`);
    accepted.push(...body.results.map(({ action }) => action!));
  }
  return accepted;
}

/** Starts workers again as often as they die, as a supervisor does. */
export function superviseWorkers({ workers }: Pick<System, 'workers'>): {
  deaths: () => number;
  /** Whether all of them are ready. */
  areBack: () => boolean;
  stop: () => void;
} {
  const starting = new Set<StartedApp>();
  let deaths = 0;
  const timer = setInterval(() => {
    for (const worker of workers) {
      if (worker.isRunning || starting.has(worker)) continue;
      deaths += 1;
      starting.add(worker);
      void worker
        .start()
        .catch(() => undefined)
        .finally(() => starting.delete(worker));
    }
  }, 50);
  const areBack = (): boolean => starting.size === 0 && workers.every(({ isRunning }) => isRunning);
  return { deaths: () => deaths, areBack, stop: () => clearInterval(timer) };
}
