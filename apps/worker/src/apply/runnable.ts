import type { UnfinishedRow } from '#ledger';

/** What can be done now with the unfinished actions of locked resources. */
export interface Runnable {
  /** Actions by turn: the first of each resource, then the second of each, and so on. */
  turns: UnfinishedRow[][];
  /** Actions whose time is over, with nothing unfinished before them. */
  overdue: UnfinishedRow[];
  /** Actions that must be looked at again: something before them is not settled, and nobody else will wake them. */
  blocked: UnfinishedRow[];
}

/**
 * Sorts out what may run. Per resource the order of `seq` holds: an action waits for
 * those before it. One that waits for a retry, or that is being performed, is followed up
 * by its own ticket, which then goes on with those behind it; since that ticket needs the
 * lock which we hold while we decide this, no wake-up is lost.
 *
 * @param rows in the order of `seq`
 * @param locked the resources and parents that are locked
 * @param performed the actions that this process has performed, and may apply now
 */
export function runnableOf(
  rows: readonly UnfinishedRow[],
  locked: ReadonlySet<string>,
  performed: { has: (id: string) => boolean } = new Set<string>(),
): Runnable {
  const turns: UnfinishedRow[][] = [];
  const overdue: UnfinishedRow[] = [];
  const blocked: UnfinishedRow[] = [];
  const turnOf = new Map<string, number>();
  const stopped = new Map<string, 'for another ticket' | 'blocked'>();
  for (const row of rows) {
    const resource = row.resource_id;
    const stop = stopped.get(resource);
    if (stop === 'blocked') blocked.push(row);
    if (stop !== undefined) continue;
    if (row.overdue) overdue.push(row);
    else if (row.delayed && !performed.has(row.id)) stopped.set(resource, 'for another ticket');
    else if (row.parent_unfinished || (row.parent_id !== null && !locked.has(row.parent_id))) {
      stopped.set(resource, 'blocked');
      blocked.push(row);
    } else {
      const turn = turnOf.get(resource) ?? 0;
      turnOf.set(resource, turn + 1);
      (turns[turn] ??= []).push(row);
    }
  }
  return { turns, overdue, blocked };
}
