import { createHmac } from 'node:crypto';

const TOKEN_SECONDS = 24 * 3_600;

/** An HS256 token (RFC 7519) that all systems accept. */
export function tokenOf(sub: string, secret: string): string {
  const now = Math.floor(Date.now() / 1_000);
  const claims = { sub, scope: 'announce', iss: 'tidings', aud: 'tidings', iat: now, exp: now + TOKEN_SECONDS };
  const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url');
  const signed = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(claims)}`;
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}
