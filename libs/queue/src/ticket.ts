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
 */
export interface Ticket {
  actions: TicketEntry[];
  /** How often tickets of these actions were started before, without an end. */
  starts?: number;
  /** Was in a ticket that was started and not finished: its actions run one at a time, each attempt counted. */
  suspect?: true;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

function isEntry(value: unknown): value is TicketEntry {
  return (
    Array.isArray(value) &&
    (value.length === 2 || value.length === 3) &&
    value.every((part) => typeof part === 'string' && UUID.test(part))
  );
}

/**
 * Parses the data of a job.
 *
 * @throws {Error} when it is no ticket of ours; the sweeper finds the actions it may have meant
 */
export function parseTicket(data: unknown): Ticket {
  const { actions, starts, suspect } = (data ?? {}) as Partial<Ticket>;
  if (!Array.isArray(actions) || !actions.every(isEntry)) throw new Error('the job is not a ticket');
  return { actions, ...(Number.isSafeInteger(starts) && { starts: starts! }), ...(suspect === true && { suspect }) };
}
