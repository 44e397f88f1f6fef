/**
 * A cursor: an opaque position in one channel, "everything up to here is known".
 *
 * It carries the channel, the offset and a check of the event at that offset, so
 * that a database that was restored or emptied, and now holds other events at the
 * same offsets, is noticed. The same cursor works on socket.io, SSE and REST.
 */
export interface Cursor {
  channel: string;
  /** Offset of the last known event; 0 when none is known. */
  offset: number;
  /** Check of the event at `offset` (see {@link checkOf}), or the ledger's epoch when `offset` is 0. */
  check: string;
}

/** Accepted in place of a cursor: from the beginning of what is retained. */
export const CURSOR_BEGINNING = '0';

/** Why a cursor could not be honoured whole. */
export const CURSOR_REASONS = ['CURSOR_TOO_OLD', 'CURSOR_EPOCH', 'CURSOR_FUTURE', 'CURSOR_INVALID'] as const;
export type CursorReason = (typeof CURSOR_REASONS)[number];

/** No cursor has more characters. The longest channel is that of 200 characters of three bytes, percent-encoded. */
export const LONGEST_CURSOR = 2_800;

const FORMAT = /^([0-9a-f]{12})\.(0|[1-9][0-9]{0,15})\.([\x21-\x7e]{1,2000})$/;
const BASE64URL = /^[A-Za-z0-9_-]+$/;

/** The check of an event: the 48 random bits at the end of its id (UUID version 7). */
export function checkOf(eventId: string): string {
  return eventId.slice(-12);
}

export function encodeCursor({ channel, offset, check }: Cursor): string {
  return btoa(`${check}.${offset}.${channel}`).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

/** The position a cursor names, or null when the text is no cursor of ours. */
export function decodeCursor(text: string): Cursor | null {
  if (text.length > LONGEST_CURSOR || !BASE64URL.test(text)) return null;
  let plain: string;
  try {
    plain = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  } catch {
    return null;
  }
  const match = FORMAT.exec(plain);
  if (!match) return null;
  const offset = Number(match[2]);
  return Number.isSafeInteger(offset) ? { check: match[1]!, offset, channel: match[3]! } : null;
}
