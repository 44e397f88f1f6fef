import type { CursorReason } from './cursor.ts';
import type { AcceptedAction } from './action.ts';
import type { EphemeralEnvelope, Envelope, Goaway, OutcomeEnvelope, Progress, Session } from './envelope.ts';
import type { Problem } from './problem.ts';

/** The answer to every event a client sends: nothing is silent. */
export type Ack<Result extends object = object> = ({ ok: true } & Result) | { ok: false; problem: Problem };

/** The answer to `subscribe`; what was missed follows as `event`. */
export interface Subscribed {
  /** True when the given cursor is honoured whole. */
  recovered: boolean;
  /** Why not. */
  reason?: CursorReason;
  /** The position from which events follow. */
  cursor: string;
}

/** Every event that the server emits. */
export interface ServerToClientEvents {
  session: (session: Session) => void;
  outcome: (outcome: OutcomeEnvelope) => void;
  event: (event: Envelope | EphemeralEnvelope) => void;
  progress: (progress: EphemeralEnvelope<Progress>) => void;
  goaway: (goaway: Goaway) => void;
}

/** An action as it is submitted over a socket. */
export interface SubmitCommand {
  /** `<resource>.<verb>` */
  type: string;
  /** UUID; a create may leave it to the server. */
  resourceId?: string;
  payload?: object;
  idempotencyKey?: string;
  ifMatch?: string;
}

/** What one socket of a user does, told to the others; `data` has at most 16 kB of JSON. */
export interface Mirror {
  event: string;
  data?: unknown;
}

/** Every event that the server accepts. */
export interface ClientToServerEvents {
  submit: (command: SubmitCommand, ack: (answer: Ack<{ action: AcceptedAction }>) => void) => void;
  mirror: (command: Mirror, ack?: (answer: Ack) => void) => void;
  refresh: (command: { token: string }, ack: (answer: Ack<{ tokenExpiresAt: string }>) => void) => void;
  subscribe: (command: { channel: string; cursor?: string }, ack: (answer: Ack<Subscribed>) => void) => void;
  unsubscribe: (command: { channel: string }, ack?: (answer: Ack) => void) => void;
  presence: (command: { channel: string }, ack: (answer: Ack<{ users: string[] }>) => void) => void;
  delivered: (command: { cursor: string }, ack?: (answer: Ack) => void) => void;
}

/** What a client may put into the handshake's `auth`. */
export interface HandshakeAuth {
  /** A JWT; without one the connection is a guest's. */
  token?: string;
  /** One cursor a channel. */
  cursors?: string[];
  /** A list of one. */
  cursor?: string;
}
