import type { TicketEntry } from '#queue';
import { HandlerError } from './handlers.ts';

/** A named action in the hands of this process. */
export interface Held {
  entry: TicketEntry;
  /** How often its tickets have been started. */
  starts: number;
  /** How often it was found blocked. */
  waits: number;
  /** What `perform` resolved to, once it has. */
  performed?: { result: unknown };
  settle: () => void;
}

/** Those of a batch that are settled, unless there is something left to do that needs somebody to hold it. */
export class Free {
  readonly #held: Set<Held>;
  readonly #byAction: Map<string, Held[]>;
  readonly #byResource: Map<string, Held[]>;

  constructor(held: readonly Held[]) {
    this.#held = new Set(held);
    this.#byAction = Map.groupBy(held, ({ entry: [id] }) => id);
    this.#byResource = Map.groupBy(held, ({ entry: [, resource] }) => resource);
  }

  /**
   * Who names the action; else one that names another action of its resource, whose ticket
   * is not done before this one is settled.
   */
  take(entry: TicketEntry): Held {
    const [id, resource] = entry;
    const isFree = (held: Held): boolean => this.#held.has(held);
    const held = this.#byAction.get(id)?.find(isFree) ?? this.#byResource.get(resource)?.find(isFree);
    if (!held) return unnamed(entry);
    this.#held.delete(held);
    if (held.entry[0] !== id) {
      delete held.performed;
      held.waits = 0;
    }
    held.entry = entry;
    return held;
  }

  rest(): Iterable<Held> {
    return this.#held;
  }
}

/** Held for an action that no ticket in our hands names. */
export function unnamed(entry: TicketEntry): Held {
  return { entry, starts: 1, waits: 0, settle: () => undefined };
}

/** Whether the handler failed on this action, and on no other. */
export function isOnlyOf(held: Held, error: unknown): error is HandlerError {
  return error instanceof HandlerError && error.rows.length === 1 && error.rows[0]!.id === held.entry[0];
}

export function resultsOf(batch: readonly Held[]): Map<string, unknown> {
  return new Map(batch.flatMap(({ entry: [id], performed }) => (performed ? [[id, performed.result] as const] : [])));
}
