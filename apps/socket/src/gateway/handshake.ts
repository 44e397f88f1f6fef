import type { Socket } from 'socket.io';
import { bearerToken, TokenVerifier, type Identity } from '#auth';
import { CURSOR_BEGINNING, decodeCursor, ProblemError, type Cursor } from '#contracts';

/** Most cursors in one handshake. */
const MOST_CURSORS = 1_000;

/** What a handshake says of positions, by channel. */
export interface HandshakeCursors {
  /** From the beginning of what is retained, for channels without a cursor of their own. */
  fromBeginning: boolean;
  byChannel: Map<string, Cursor>;
  /** How many were no cursors at all. */
  unreadable: number;
}

/**
 * Who connects: the token comes in `auth.token` or as a bearer header, never by the URL,
 * which ends up in logs. Without one it is a guest.
 *
 * @throws {ProblemError} `UNAUTHENTICATED` or `TOKEN_EXPIRED`
 */
export async function identify(socket: Socket, verifier: TokenVerifier): Promise<Identity | null> {
  const { token } = socket.handshake.auth;
  const { authorization } = socket.handshake.headers;
  if (token === undefined || token === null) {
    return authorization === undefined ? null : verifier.verify(bearerToken(authorization));
  }
  if (typeof token !== 'string') throw new ProblemError('UNAUTHENTICATED', 'auth.token must be a string');
  return verifier.verify(token);
}

/** The cursors of a handshake; `cursor` is a list of one. */
export function cursorsOf({ cursor, cursors }: Record<string, unknown>): HandshakeCursors {
  const given: unknown[] = [...(Array.isArray(cursors) ? cursors : [cursors]), cursor];
  const result: HandshakeCursors = { fromBeginning: false, byChannel: new Map(), unreadable: 0 };
  for (const text of given.slice(0, MOST_CURSORS)) {
    if (text === undefined || text === null) continue;
    const position = typeof text === 'string' ? decodeCursor(text) : null;
    if (text === CURSOR_BEGINNING) result.fromBeginning = true;
    else if (position) result.byChannel.set(position.channel, position);
    else result.unreadable += 1;
  }
  return result;
}
