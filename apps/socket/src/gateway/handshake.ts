import type { Socket } from 'socket.io';
import { bearerToken, refuseTokenInUrl, TokenVerifier, type Identity } from '#auth';
import { ProblemError } from '#contracts';
import { readCursors, type GivenCursors } from '../connections/given-cursors.ts';

/**
 * Who connects: the token comes in `auth.token` or as a bearer header, never by the URL,
 * which ends up in logs. Without one it is a guest.
 *
 * @throws {ProblemError} `UNAUTHENTICATED` or `TOKEN_EXPIRED`
 */
export async function identify(socket: Socket, verifier: TokenVerifier): Promise<Identity | null> {
  refuseTokenInUrl(socket.handshake.query);
  const { token } = socket.handshake.auth;
  const { authorization } = socket.handshake.headers;
  if (token === undefined || token === null) {
    return authorization === undefined ? null : verifier.verify(bearerToken(authorization));
  }
  if (typeof token !== 'string') throw new ProblemError('UNAUTHENTICATED', 'auth.token must be a string');
  return verifier.verify(token);
}

/** Of a handshake after it, for all connections. */
const NOTHING = {};

/** Takes the cursors out of a handshake, of which nothing is needed any more. `cursor` is a list of one. */
export function takeCursors(socket: Socket): GivenCursors {
  const { cursor, cursors } = socket.handshake.auth;
  Object.assign(socket, { handshake: NOTHING });
  return readCursors([...(Array.isArray(cursors) ? (cursors as unknown[]) : [cursors]), cursor]);
}

export function setIdentity(socket: Socket, identity: Identity | null): void {
  (socket.data as { identity: Identity | null }).identity = identity;
}

/** Who was let in; null for a guest. */
export function identityOf(socket: Socket): Identity | null {
  return (socket.data as { identity?: Identity | null }).identity ?? null;
}
