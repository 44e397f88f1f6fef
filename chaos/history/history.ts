import type { OutcomeStatus } from '#contracts';

/** A request for an action, with all its repetitions: one Idempotency-Key. */
export interface Submit {
  key: string;
  owner: string;
  type: string;
  resourceId: string;
  startedAt: number;
  /** How often it was sent. */
  tries: number;
  /** The last answer, or that there was none; undefined while it is under way. */
  end?: 'accepted' | 'refused' | 'unanswered';
  endedAt?: number;
  /** The ids of actions that answers named: one at most. */
  actionIds: string[];
  /** What was answered instead of a 202. */
  refusal?: string;
}

/** Somebody who listens, over all their connections, and what they may hear. */
export interface Ear {
  name: string;
  userId: string;
  /** By channel: the offset after which everything has to be heard. */
  floors: Map<string, number>;
}

/** Something that an ear heard. */
export interface Hearing {
  ear: Ear;
  channel: string;
  offset: number;
  eventId: string;
  type: string;
  /** Of an outcome: its action. */
  actionId?: string;
  at: number;
}

/** Something that must never be and is noticed at once, such as a stranger who was let into a room. */
export interface Incident {
  kind: 'foreign' | 'lost';
  what: string;
  at: number;
}

/** What was asked for and what was heard, as clients saw it. Times are milliseconds of `performance.now()`. */
export interface History {
  submits: Submit[];
  ears: Ear[];
  hearings: Hearing[];
  incidents: Incident[];
}

/** An action, as the ledger has it. */
export interface LedgerAction {
  id: string;
  owner: string;
  type: string;
  status: OutcomeStatus | 'pending' | 'running';
  seq: number;
  key: string | null;
  /** When it ended, by the clock of Postgres: milliseconds since 1970. */
  finishedAt?: number | null;
}

/** An event, as the ledger has it. */
export interface LedgerEvent {
  id: string;
  channel: string;
  offset: number;
  type: string;
  actionId: string | null;
}

/** The authority with which the history is compared. */
export interface LedgerContent {
  actions: LedgerAction[];
  events: LedgerEvent[];
}
