import { OUTCOME_STATUSES, type Action } from './action.ts';
import type { CursorReason } from './cursor.ts';
import type { Eviction } from './room-events.ts';

/**
 * One event on a channel: a CloudEvents 1.0 envelope, equal for every receiver.
 * `channel`, `offset` and `cursor` are extension attributes.
 *
 * Receivers of other versions are running, and clients of last year. So a field may be added
 * at any time, if who ignores it is still right; none is removed, renamed or given another
 * meaning. `data` that changes in such a way gets a `type` of its own. What cannot be helped
 * raises the major of `specversion`, in which `specversion`, `id`, `channel` and `offset` stay
 * as they are: gateways that do not read it (see {@link isReadable}) take the event from the
 * ledger. The whole rule is in docs/versions.md.
 */
export interface Envelope<Data = unknown> {
  specversion: '1.0';
  /** UUID version 7; stable over replays: receivers may drop by it. */
  id: string;
  source: '/tidings';
  /** Past tense: `action.succeeded`, `message.created` … */
  type: string;
  /** `<resource>/<id>` */
  subject: string;
  /** RFC 3339, UTC, milliseconds. */
  time: string;
  channel: string;
  /** Contiguous number in its channel, from 1. */
  offset: number;
  cursor: string;
  /** Of outcomes whose submit had one: W3C Trace Context, as the extension of CloudEvents says. */
  traceparent?: string;
  data: Data;
  /** There, and true, when the event comes from the ledger after a reconnect. */
  replayed?: true;
}

/** Whether an envelope, or what claims to be one, is of the major that is known here: `1.0`, or a later `1.x`. */
export function isReadable({ specversion }: { specversion?: unknown }): boolean {
  return typeof specversion === 'string' && specversion.startsWith('1.');
}

/** An event that is not kept: it has no place in its channel, and is never replayed. */
export type EphemeralEnvelope<Data = unknown> = Omit<Envelope<Data>, 'offset' | 'cursor' | 'traceparent' | 'replayed'>;

/** Data of `progress`: how far a long action is. */
export interface Progress {
  actionId: string;
  /** 0 to 100 */
  percent: number;
  note: string;
}

/** Data of `presence.joined` and `presence.left`: told once a user, not once a socket. */
export interface PresenceChange {
  channel: string;
  userId: string;
}

export type OutcomeEnvelope = Envelope<Action>;

/** The name under which an envelope reaches a client: own outcomes as `outcome`, all else as `event`. */
export type EnvelopeEvent = 'outcome' | 'event';

/** Before the status, in the types of outcomes. */
const ACTION = 'action.';

/** A type that is not known here is an `event` too: clients ignore the types that they do not know. */
export function eventNameOf(type: string): EnvelopeEvent {
  const statuses: readonly string[] = OUTCOME_STATUSES;
  return type.startsWith(ACTION) && statuses.includes(type.slice(ACTION.length)) ? 'outcome' : 'event';
}

/** What a change tells a channel, before it has a place there. */
export interface ChannelEvent {
  channel: string;
  /** Past tense, e.g. `message.created`. */
  type: string;
  /** `<resource>/<id>` */
  subject: string;
  data: unknown;
  /** The user whose membership in the channel begins with this event: it is the floor of what they may replay. */
  admits?: string;
  /** The user whose membership in the channel ends with this event, or `all` of them. */
  evicts?: Eviction;
}

/** First message of every connection, before any replay. */
export interface Session {
  /** Null for a guest. */
  userId: string | null;
  /** The serving instance. */
  instance: string;
  /** True when every given cursor is honoured whole. */
  recovered: boolean;
  /** Why not, by channel. */
  reasons?: Record<string, CursorReason>;
  /** The position of this connection in each of its channels. */
  cursors: string[];
  /** RFC 3339; null for a guest. */
  tokenExpiresAt: string | null;
}

export const GOAWAY_REASONS = ['drain', 'token_expired', 'revoked', 'slow_consumer'] as const;

/** Last message of a connection that the server ends. */
export interface Goaway {
  reason: (typeof GOAWAY_REASONS)[number];
  /** When to come back, in milliseconds from now. */
  reconnectInMs: number;
}
