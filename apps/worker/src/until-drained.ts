import { setTimeout as after } from 'node:timers/promises';
import type { Database } from '#database';
import { isAnyDueStatement } from '#ledger';
import type { TicketQueue } from '#queue';

const LOOK_EVERY_MS = 200;

/**
 * What is due so soon is worth waiting for, in milliseconds; a lease, which says that something
 * is being performed, lasts less. Later retries are left to the next run.
 */
const SOON_MS = 10_000;

/** Resolves when nothing is left to do; while Postgres or Redis does not say so, there may be. */
export async function untilDrained(database: Database, tickets: TicketQueue): Promise<void> {
  while (!(await isDrained(database, tickets).catch(() => false))) await after(LOOK_EVERY_MS);
}

/** The ledger says what has no outcome, the queue what may not have been told. */
async function isDrained(database: Database, tickets: TicketQueue): Promise<boolean> {
  const counts = await tickets.counts();
  if (counts?.waiting !== 0 || counts.active !== 0) return false;
  return !(await isAnyDueStatement(database, SOON_MS));
}
