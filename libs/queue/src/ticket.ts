/** Name of the one queue. */
export const TICKETS = 'tickets';

/** Most actions that one ticket names. */
export const TICKET_SIZE = 50;

/** Id, and job name, of the ticket that asks for the oldest unfinished actions; there is one at most. */
export const SWEEP = 'sweep';

/** One action as a ticket names it: action id, resource id, and the id of the parent, if any. */
export type TicketEntry = readonly [actionId: string, resourceId: string, parentId?: string];

/**
 * The data of a BullMQ job: which actions to apply. The ledger has everything else, so a
 * ticket may be lost, doubled or late without harm.
 *
 * Workers of other versions take it too. So fields may be added, and parts at the end of an
 * entry, if who ignores them is still right; none is removed or given another meaning. A
 * ticket that cannot be read fails, and the sweeper sees to its actions: late, but not lost.
 * The whole rule is in docs/versions.md.
 */
export interface Ticket {
  actions: TicketEntry[];
  /** How often tickets of these actions were started before, without an end. */
  starts?: number;
  /** Was in a ticket that was started and not finished: its actions run apart from others, and alone if need be. */
  suspect?: true;
}

const NO_TICKET = 'the job is not a ticket';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** What is known of an entry. @throws {Error} when that is not enough */
function parseEntry(value: unknown): TicketEntry {
  const [action, resource, parent]: unknown[] = Array.isArray(value) ? value : [];
  if (!isId(action) || !isId(resource)) throw new Error(NO_TICKET);
  if (parent === undefined || parent === null) return [action, resource];
  if (!isId(parent)) throw new Error(NO_TICKET);
  return [action, resource, parent];
}

function isId(value: unknown): value is string {
  return typeof value === 'string' && UUID.test(value);
}

/**
 * Parses the data of a job; what a later version has added to it is left out.
 *
 * @throws {Error} when it is no ticket of ours; the sweeper finds the actions it may have meant
 */
export function parseTicket(data: unknown): Ticket {
  const { actions, starts, suspect } = (data ?? {}) as Partial<Ticket>;
  if (!Array.isArray(actions)) throw new Error(NO_TICKET);
  return {
    actions: actions.map(parseEntry),
    ...(Number.isSafeInteger(starts) && { starts: starts! }),
    ...(suspect === true && { suspect }),
  };
}
