import type { WorkerOptions } from 'bullmq';

/**
 * A killed worker's tickets are back after `lockDuration + stalledInterval` at most (6 s).
 * BullMQ would call nobody for a ticket that stalls too often, so it may stall for ever:
 * the ledger counts the attempts.
 */
export const TICKET_WORKER_OPTIONS = {
  lockDuration: 5_000,
  stalledInterval: 1_000,
  maxStalledCount: 1_000_000,
  drainDelay: 5,
} satisfies Partial<WorkerOptions>;
