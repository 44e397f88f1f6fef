import type { ProblemDetail } from './problem.ts';

/** What an action can be, from the 202 to its one outcome. */
export const ACTION_STATUSES = ['pending', 'running', 'succeeded', 'failed', 'cancelled', 'expired'] as const;
export type ActionStatus = (typeof ACTION_STATUSES)[number];

/** The four ends of an action: each action reaches exactly one of them. */
export const OUTCOME_STATUSES = ['succeeded', 'failed', 'cancelled', 'expired'] as const;
export type OutcomeStatus = (typeof OUTCOME_STATUSES)[number];

/** A resource as an action names it. */
export interface ResourceReference {
  /** The plural name of the resource, e.g. `messages`. */
  type: string;
  /** UUID of the resource; the client may choose it on a create. */
  id: string;
}

/** Why an action did not succeed. */
export interface ActionError extends ProblemDetail {
  /** The resource as it is now: with `PRECONDITION_FAILED`, for who may read it. */
  current?: unknown;
}

/**
 * One accepted request to create, edit or delete a resource, as clients see it
 * (a long-running operation in the sense of AIP-151).
 *
 * `response` or `error` is there only when `done`, and exactly one of them.
 */
export interface Action<Response = unknown> {
  /** UUID version 7 (RFC 9562). */
  id: string;
  /** `<resource>.<verb>`, e.g. `messages.create`. */
  type: string;
  status: ActionStatus;
  done: boolean;
  resource: ResourceReference;
  /** RFC 3339, UTC, milliseconds. */
  submittedAt: string;
  /** RFC 3339, UTC, milliseconds; absent until `done`. */
  finishedAt?: string;
  /** How often it was tried, the successful attempt included. */
  attempts: number;
  /** The resource after the change; null for a delete. */
  response?: Response | null;
  error?: ActionError;
}

/** The action of a 202: with a position in the owner's channel before its outcome. */
export type AcceptedAction = Action & { cursor: string };

/** Whether the status is one of the four outcomes. */
export function isOutcomeStatus(status: ActionStatus): status is OutcomeStatus {
  return status !== 'pending' && status !== 'running';
}
