import type { UnfinishedRow } from '#ledger';
import type { HandlerError } from './handlers.ts';
import type { Runnable, Stop } from './runnable.ts';

/** What follows for the actions that get no end now. */
export class FollowUps {
  /** Are this process's to perform: nobody else takes them up while their lease lasts. */
  readonly started: UnfinishedRow[] = [];
  /** Who stands before those of the started that have joined a line, by action. */
  readonly behind = new Map<string, string>();
  /** Failed, each alone; the others went on without them. */
  readonly failed: HandlerError[] = [];
  /** Failed before: they must run alone, so that nobody pays for them again. */
  readonly apart: UnfinishedRow[] = [];
  /** The resources on which an action waits since no more may be performed at once. */
  readonly crowded = new Set<string>();
  readonly #stops = new Map<string, Stop>();
  /** Who stands in line, by resource. */
  readonly #inLine = new Map<string, string[]>();

  /** Why nothing runs on a resource, unless something does. */
  stopOf({ resource_id }: UnfinishedRow): Stop | undefined {
    return this.#stops.get(resource_id);
  }

  /** How many stand before an action, and are performed first. */
  inLineBefore({ resource_id }: UnfinishedRow): number {
    return this.#inLine.get(resource_id)?.length ?? 0;
  }

  /**
   * It is being performed, or about to be. A retry is followed by nobody until it has its end; behind
   * others nothing can be applied now.
   */
  goOn(row: UnfinishedRow, isRetry: boolean): void {
    if (isRetry) this.stop(row);
    else this.join(row);
  }

  private join({ id, resource_id }: UnfinishedRow): void {
    this.#inLine.set(resource_id, [...(this.#inLine.get(resource_id) ?? []), id]);
  }

  start(row: UnfinishedRow): void {
    this.started.push(row);
    const before = this.#inLine.get(row.resource_id)?.at(-1);
    if (before !== undefined) this.behind.set(row.id, before);
    this.goOn(row, row.attempts > 0);
  }

  fail(error: HandlerError): void {
    this.failed.push(error);
    this.stop(error.rows[0]!);
  }

  setApart(row: UnfinishedRow): void {
    this.apart.push(row);
    this.stop(row);
  }

  /** Somebody goes on with it, and with those behind it. */
  stop({ resource_id }: UnfinishedRow): void {
    this.#stops.set(resource_id, 'followed');
  }

  /** Nobody does: it must be looked at again. */
  leave(row: UnfinishedRow, { left }: Runnable): void {
    left.push(row);
    this.#stops.set(row.resource_id, 'left');
  }

  leaveCrowded(row: UnfinishedRow, runnable: Runnable): void {
    this.crowded.add(row.resource_id);
    this.leave(row, runnable);
  }

  /** What stopped a resource before its turn came holds, unless something before it does already. */
  complete({ stops }: Runnable): void {
    for (const resource of this.#inLine.keys()) if (!this.#stops.has(resource)) this.#stops.set(resource, 'followed');
    for (const [resource, stop] of this.#stops) stops.set(resource, stop);
  }
}
