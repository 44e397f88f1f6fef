import type { UnfinishedRow } from '#ledger';
import type { TicketEntry } from '#queue';
import type { Lines } from './lines.ts';
import type { Has, Runnable } from './runnable.ts';

/** What has to follow for the actions that tickets name; those in no list are settled. */
export interface Sorted {
  /** Must be tried again: somebody else has the lock, what stands before them waits, or they are due in a moment. */
  blocked: TicketEntry[];
  /** Stand so far behind that they were not looked at: they go on at once. */
  more: TicketEntry[];
  /** Are being performed, or were when their process died: their ticket must not end before their lease does. */
  leased: TicketEntry[];
  /** Were finished before, or stand too far behind to tell: their outcome may not have been published. */
  known: TicketEntry[];
  /** One for each resource on which something can go on, though none of the named is left there. */
  next: TicketEntry[];
}

interface SortOptions {
  mostEach: number;
  done: ReadonlySet<string>;
  performed?: Has;
  inLine?: Pick<Lines, 'has' | 'seqOf'>;
}

/**
 * Tells for each named action whether it is settled. A resource on which something is
 * left to do keeps at least one entry, or gets one in `next`: no wake-up is lost.
 *
 * @param rows the first unfinished actions of each locked resource, `mostEach` at most
 * @param options.done those that have their end now, or of which somebody takes care
 * @param options.performed those that this process has performed: it alone knows the results
 * @param options.inLine those that it has started to perform
 */
export function sortOut(
  entries: readonly TicketEntry[],
  locked: ReadonlySet<string>,
  rows: readonly UnfinishedRow[],
  { left, stops }: Pick<Runnable, 'left' | 'stops'>,
  { mostEach, done, performed = new Set(), inLine }: SortOptions,
): Sorted {
  const sorted: Sorted = { blocked: [], more: [], leased: [], known: [], next: [] };
  const rowsOf = Map.groupBy(rows, ({ resource_id }) => resource_id);
  const seen = new Map(rows.map((row) => [row.id, row]));
  const leftIds = new Set(left.map(({ id }) => id));
  const isCut = (resource: string): boolean => rowsOf.get(resource)?.length === mostEach;
  /** Whether it stands behind those that were read, as far as is known: it may have its end. */
  const isUnread = ([id, resource]: TicketEntry): boolean => {
    if (seen.has(id) || !isCut(resource)) return false;
    return (inLine?.seqOf(id) ?? Infinity) > rowsOf.get(resource)!.at(-1)!.seq;
  };
  const isHeld = new Set<string>();
  for (const entry of entries) {
    const [id, resource] = entry;
    const stop = stops.get(resource);
    const isBehind = isUnread(entry);
    const mustWait = leftIds.has(id) || (isBehind && (stop === 'left' || performed.has(id)));
    if (!locked.has(resource) || mustWait) sorted.blocked.push(entry);
    else if (isBehind && stop === undefined) sorted.more.push(entry);
    else {
      const row = seen.get(id);
      if (!row) sorted.known.push(entry);
      else if (performed.has(id) && !done.has(id)) sorted.blocked.push(entry);
      else if (row.delayed && !row.overdue && !performed.has(id) && !inLine?.has(id)) {
        // The clock of who has woken its ticket may be ahead.
        if (row.due_soon) sorted.blocked.push(entry);
        else if (row.status === 'running') sorted.leased.push(entry);
      }
      continue;
    }
    isHeld.add(resource);
  }
  for (const [resource, own] of rowsOf) {
    if (isHeld.has(resource)) continue;
    const stop = stops.get(resource);
    const first = stop === 'left' ? own.find(({ id }) => leftIds.has(id)) : undefined;
    if (first) sorted.next.push(entryOf(first));
    else if (stop === undefined && isCut(resource)) sorted.next.push(entryOf(own.at(-1)!));
  }
  return sorted;
}

/** How a ticket names an action. */
export function entryOf({ id, resource_id, parent_id }: UnfinishedRow): TicketEntry {
  return parent_id === null ? [id, resource_id] : [id, resource_id, parent_id];
}
