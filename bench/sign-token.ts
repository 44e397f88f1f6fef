import { SignJWT } from 'jose';

/** A token that apps with this secret accept for an hour. */
export function signToken(secret: string, user: string, scope = ''): Promise<string> {
  return new SignJWT({ scope })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(user)
    .setIssuer('tidings')
    .setAudience('tidings')
    .setIssuedAt()
    .setExpirationTime('1h')
    .sign(new TextEncoder().encode(secret));
}
