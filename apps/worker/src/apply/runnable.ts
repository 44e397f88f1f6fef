import type { UnfinishedRow } from '#ledger';

/**
 * Why nothing more runs on a resource for now: what stands first there has a ticket or a
 * process that will go on with those behind it ('followed'), or must be looked at again,
 * since nobody else will ('left').
 */
export type Stop = 'followed' | 'left';

/** Knows some actions by their ids. */
export interface Has {
  has: (id: string) => boolean;
}

/** What can be done now with the unfinished actions of locked resources. */
export interface Runnable {
  /**
   * Actions by turn: the first of each resource, then the second of each, and so on. Behind those that
   * stand in line, others can join it, and no more.
   */
  turns: UnfinishedRow[][];
  /** Actions whose time is over; on a resource where nothing is stopped before them, or in line: they may overtake that. */
  overdue: UnfinishedRow[];
  /** Actions that must be looked at again. */
  left: UnfinishedRow[];
  /** The resources on which something waits. */
  stops: Map<string, Stop>;
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
 * @param inLine the actions that this process has started to perform
 */
export function runnableOf(
  rows: readonly UnfinishedRow[],
  locked: ReadonlySet<string>,
  performed: Has = new Set<string>(),
  inLine: Has = new Set<string>(),
): Runnable {
  const turns: UnfinishedRow[][] = [];
  const overdue: UnfinishedRow[] = [];
  const left: UnfinishedRow[] = [];
  const stops = new Map<string, Stop>();
  const turnOf = new Map<string, number>();
  for (const row of rows) {
    const resource = row.resource_id;
    const stop = stops.get(resource);
    if (stop === 'left') left.push(row);
    if (stop !== undefined) continue;
    if (row.overdue) overdue.push(row);
    else if (row.delayed && !performed.has(row.id) && !inLine.has(row.id)) stops.set(resource, 'followed');
    else if (row.parent_unfinished || (row.parent_id !== null && !locked.has(row.parent_id))) {
      stops.set(resource, 'left');
      left.push(row);
    } else {
      const turn = turnOf.get(resource) ?? 0;
      turnOf.set(resource, turn + 1);
      (turns[turn] ??= []).push(row);
    }
  }
  return { turns, overdue, left, stops };
}
