import { SignJWT, UnsecuredJWT } from 'jose';
import { JWT_SECRET } from '#testing';

interface Signature {
  secret?: string;
  algorithm?: string;
}

/** A good token of alice, but for what is changed. */
function sign(change: (token: SignJWT) => SignJWT, { secret = JWT_SECRET, algorithm = 'HS256' }: Signature = {}) {
  const token = new SignJWT({})
    .setProtectedHeader({ alg: algorithm })
    .setSubject('alice')
    .setIssuer('tidings')
    .setAudience('tidings')
    .setIssuedAt()
    .setExpirationTime('1h');
  return change(token).sign(new TextEncoder().encode(secret));
}

const unchanged = (token: SignJWT): SignJWT => token;
const claims = { sub: 'alice', iss: 'tidings', aud: 'tidings' };

/** Tokens that nobody gets in with: what is wrong, the code of the refusal, the token. */
export const BAD_TOKENS: [what: string, code: string, token: string][] = [
  ['that is no JWT', 'UNAUTHENTICATED', 'x.y.z'],
  ['that is expired', 'TOKEN_EXPIRED', await sign((token) => token.setExpirationTime('-1h'))],
  ['that is not valid yet', 'UNAUTHENTICATED', await sign((token) => token.setNotBefore('1h'))],
  ['of the algorithm none', 'UNAUTHENTICATED', new UnsecuredJWT(claims).setIssuedAt().setExpirationTime('1h').encode()],
  ['of another algorithm', 'UNAUTHENTICATED', await sign(unchanged, { algorithm: 'HS512' })],
  ['of another secret', 'UNAUTHENTICATED', await sign(unchanged, { secret: 'another-secret-0123456789-0123456789' })],
  ['of another issuer', 'UNAUTHENTICATED', await sign((token) => token.setIssuer('others'))],
  ['for another audience', 'UNAUTHENTICATED', await sign((token) => token.setAudience('others'))],
  ['without a subject', 'UNAUTHENTICATED', await sign((token) => token.setSubject(''))],
  ['whose subject has a NUL', 'UNAUTHENTICATED', await sign((token) => token.setSubject('a\0b'))],
  ['whose subject is very long', 'UNAUTHENTICATED', await sign((token) => token.setSubject('a'.repeat(201)))],
];
