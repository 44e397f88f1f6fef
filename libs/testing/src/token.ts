import { SignJWT } from 'jose';

/** The secret of the tokens of tests, and of the apps that tests start. */
export const JWT_SECRET = 'a-secret-that-only-tests-use-0123456789';

export interface TokenOptions {
  scopes?: readonly string[];
  /** From now, in seconds; negative: expired already. */
  expiresIn?: number;
}

/** A token that the apps of {@link startApp} accept. */
export function token(user: string, { scopes = [], expiresIn = 3_600 }: TokenOptions = {}): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  return new SignJWT({ scope: scopes.join(' ') })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setSubject(user)
    .setIssuer('tidings')
    .setAudience('tidings')
    .setIssuedAt(Math.min(now, now + expiresIn))
    .setExpirationTime(now + expiresIn)
    .sign(new TextEncoder().encode(JWT_SECRET));
}
