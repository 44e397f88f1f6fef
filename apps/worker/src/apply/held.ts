import type { TicketEntry } from '#queue';
import { HandlerError } from './handlers.ts';

/** A named action in the hands of this process. */
export interface Held {
  entry: TicketEntry;
  /** How often its tickets have been started. */
  starts: number;
  /** How often it was found blocked. */
  waits: number;
  /** What `perform` resolved to, once it has, or the {@link HandlerError} that it threw. */
  performed?: { result: unknown };
  settle: () => void;
  /** Another one has its tickets: nothing is left to do for it. */
  isVoid?: true;
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
   * Who names the action, and has its result if somebody does: an action may have several tickets. Else one
   * that names another action of its resource, whose ticket is not done before this one is settled.
   */
  take(entry: TicketEntry): Held {
    const [id, resource] = entry;
    const isFree = (held: Held): boolean => this.#held.has(held);
    const named = this.#byAction.get(id)?.filter(isFree) ?? [];
    const held = named.find(({ performed }) => performed) ?? named[0] ?? this.#byResource.get(resource)?.find(isFree);
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

function nothing(): void {
  // No ticket waits for it.
}

/** Held for an action that no ticket in our hands names. */
export function unnamed(entry: TicketEntry): Held {
  return { entry, starts: 1, waits: 0, settle: nothing };
}

/** Whether a ticket is done only when this is settled. */
export function hasTicket({ settle }: Held): boolean {
  return settle !== nothing;
}

/** The tickets of one are done when the other is settled. */
export function handOver(from: Held, to: Held): void {
  const [first, second] = [to.settle, from.settle];
  from.settle = nothing;
  if (second === nothing) return;
  to.starts = Math.max(to.starts, from.starts);
  to.settle = first === nothing ? second : () => (first(), second());
}

/** Whether the handler failed on this action, and on no other. */
export function isOnlyOf(held: Held, error: unknown): error is HandlerError {
  return error instanceof HandlerError && error.rows.length === 1 && error.rows[0]!.id === held.entry[0];
}

/** What those of a batch have performed, as long as it is good: see {@link Lines.cut}. */
export class Results {
  readonly #performed: ReadonlyMap<string, Held>;

  constructor(batch: readonly Held[]) {
    this.#performed = new Map(batch.flatMap((held) => (held.performed ? [[held.entry[0], held] as const] : [])));
  }

  has(id: string): boolean {
    return this.#performed.get(id)?.performed !== undefined;
  }

  get(id: string): unknown {
    return this.#performed.get(id)?.performed?.result;
  }
}
