import type { UnfinishedRow } from '#ledger';
import type { HandlerError } from './handlers.ts';
import type { Runnable, Stop } from './runnable.ts';

/** What follows for the actions that get no end now. */
export class FollowUps {
  /** Are this process's to perform: nobody else takes them up while their lease lasts. */
  readonly started: UnfinishedRow[] = [];
  /** Failed, each alone; the others went on without them. */
  readonly failed: HandlerError[] = [];
  /** Failed before: they must run alone, so that nobody pays for them again. */
  readonly apart: UnfinishedRow[] = [];
  /** The resources on which an action waits since no more may be performed at once. */
  readonly crowded = new Set<string>();
  readonly #stops = new Map<string, Stop>();
  /** How many stand in line, by resource. */
  readonly #inLine = new Map<string, number>();

  /** Why nothing runs on a resource, unless something does. */
  stopOf({ resource_id }: UnfinishedRow): Stop | undefined {
    return this.#stops.get(resource_id);
  }

  /** How many stand before an action, and are performed first. */
  inLineBefore({ resource_id }: UnfinishedRow): number {
    return this.#inLine.get(resource_id) ?? 0;
  }

  /**
   * It is being performed, or about to be: others may stand in line behind it. A retry is followed by
   * nobody until it has its end, save where only attempts to perform it have failed: behind those nobody begins.
   *
   * @param failures attempts to perform it that failed in its line
   */
  join({ resource_id, attempts }: UnfinishedRow, failures = 0): void {
    if (attempts > failures) this.#stops.set(resource_id, 'followed');
    else this.#inLine.set(resource_id, (this.#inLine.get(resource_id) ?? 0) + 1);
  }

  start(row: UnfinishedRow): void {
    this.started.push(row);
    this.join(row);
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
