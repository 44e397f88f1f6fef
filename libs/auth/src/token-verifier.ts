import { Injectable } from '@nestjs/common';
import {
  createRemoteJWKSet,
  errors,
  jwksCache,
  jwtVerify,
  type JWKSCacheInput,
  type JWTPayload,
  type JWTVerifyGetKey,
} from 'jose';
import type { AuthConfig } from '#config';
import { isUserId, ProblemError } from '#contracts';
import { hs256Verifier } from './hs256.ts';
import { hasExpired, type Identity } from './identity.ts';
import type { Revocations } from './revocations.ts';

/** Most verified tokens that are remembered. */
const MOST_REMEMBERED = 20_000;

/**
 * How old the keys of an issuer get, in milliseconds: so long at most a key is believed that it
 * has withdrawn, and a token that was verified with it. A key that is not known yet is looked
 * for at once, though not again within the pause.
 */
const KEYS_AGE_MS = 300_000;
const KEYS_PAUSE_MS = 30_000;

/** What a JWKS may be signed with: asymmetric only, so that no public key can be used as a secret. */
const ASYMMETRIC = ['RS256', 'PS256', 'ES256', 'EdDSA'];

const NONE_REVOKED = { isRevoked: () => false, refresh: () => Promise.resolve() };

/** By what tokens are verified. */
interface Verification {
  /** Gives the claims of a token, or throws what jose throws. */
  verify: (token: string) => JWTPayload | Promise<JWTPayload>;
  /** When the keys were read that it goes by now, in milliseconds since 1970. */
  keysReadAt: () => number;
}

/** Turns a JWT (RFC 7519) into an {@link Identity}. */
@Injectable()
export class TokenVerifier {
  readonly #verification: Verification;
  /** Tokens verified before: a signature is checked once with keys of some age, the expiry every time. */
  readonly #verified = new Map<string, { identity: Identity; keysReadAt: number }>();

  constructor(
    config: AuthConfig,
    private readonly revocations: Pick<Revocations, 'isRevoked' | 'refresh'> = NONE_REVOKED,
  ) {
    this.#verification = verificationBy(config);
  }

  /**
   * Verifies a token that comes once and has to last, such as that of a connection, which ends
   * with it.
   *
   * @throws {ProblemError} `UNAUTHENTICATED` or `TOKEN_EXPIRED`
   */
  async verify(token: string): Promise<Identity> {
    return this.unlessRevoked(await this.examined(token));
  }

  /**
   * Verifies a token that comes with each request, and remembers it.
   *
   * @throws {ProblemError} `UNAUTHENTICATED` or `TOKEN_EXPIRED`
   */
  async verifyOnce(token: string): Promise<Identity> {
    return this.unlessRevoked(await this.remembered(token));
  }

  private async unlessRevoked(identity: Identity): Promise<Identity> {
    await this.revocations.refresh();
    if (this.revocations.isRevoked(identity)) throw new ProblemError('UNAUTHENTICATED', 'The token is revoked');
    return identity;
  }

  private async remembered(token: string): Promise<Identity> {
    const known = this.#verified.get(token);
    if (known && !hasExpired(known.identity) && Date.now() - known.keysReadAt < KEYS_AGE_MS) return known.identity;
    this.#verified.delete(token);
    // Before they are used: then they are none that were read earlier.
    const keysReadAt = this.#verification.keysReadAt();
    const identity = await this.examined(token);
    if (this.#verified.size >= MOST_REMEMBERED) this.#verified.delete(this.#verified.keys().next().value!);
    this.#verified.set(token, { identity, keysReadAt });
    return identity;
  }

  /** To the second: the tolerance for clocks that differ is for `nbf` alone. */
  private async examined(token: string): Promise<Identity> {
    const identity = identityOf(await this.payloadOf(token));
    if (hasExpired(identity)) throw new ProblemError('TOKEN_EXPIRED');
    return identity;
  }

  private async payloadOf(token: string): Promise<JWTPayload> {
    try {
      return await this.#verification.verify(token);
    } catch (error) {
      if (error instanceof ProblemError) throw error;
      if (error instanceof errors.JWTExpired) throw new ProblemError('TOKEN_EXPIRED');
      throw new ProblemError('UNAUTHENTICATED', 'The token is not valid', { cause: error });
    }
  }
}

function verificationBy({ JWKS_URL, JWT_SECRET, JWT_ISSUER, JWT_AUDIENCE }: AuthConfig): Verification {
  const claims = {
    issuer: JWT_ISSUER,
    audience: JWT_AUDIENCE,
    requiredClaims: ['sub', 'exp'],
    clockTolerance: 5,
  };
  // A secret stays for as long as the process.
  if (!JWKS_URL) return { verify: hs256Verifier(JWT_SECRET!, claims), keysReadAt: () => Infinity };
  const read: JWKSCacheInput = {};
  const keys = keysAt(new URL(JWKS_URL), read);
  return {
    verify: async (token) => (await jwtVerify(token, keys, { ...claims, algorithms: ASYMMETRIC })).payload,
    keysReadAt: () => read.uat ?? 0,
  };
}

/** What a look for the key of a token can find wrong with the token itself. */
const ABOUT_TOKEN = [errors.JWKSNoMatchingKey, errors.JWKSMultipleMatchingKeys, errors.JOSENotSupported];

/**
 * The keys of an issuer. That they cannot be had says nothing about a token.
 *
 * @param read is told of them whenever they are read
 */
function keysAt(url: URL, read: JWKSCacheInput): JWTVerifyGetKey {
  const keys = createRemoteJWKSet(url, {
    cacheMaxAge: KEYS_AGE_MS,
    cooldownDuration: KEYS_PAUSE_MS,
    [jwksCache]: read,
  });
  return (header, token) =>
    keys(header, token).catch((error: unknown) => {
      if (ABOUT_TOKEN.some((kind) => error instanceof kind)) throw error;
      throw new ProblemError('UNAVAILABLE', 'The keys of the issuer cannot be reached', {
        retryAfterSeconds: 2,
        cause: error,
      });
    });
}

/** Of most users, once for all of them. */
const NO_SCOPES: ReadonlySet<string> = new Set();

function identityOf({ sub, scope, jti, iat = 0, exp }: JWTPayload & { scope?: unknown }): Identity {
  if (!isUserId(sub)) {
    throw new ProblemError('UNAUTHENTICATED', 'The token names no usable subject');
  }
  if (!isTime(iat) || !isTime(exp!)) {
    throw new ProblemError('UNAUTHENTICATED', 'The token names no usable times');
  }
  return {
    userId: sub,
    scopes: scopesOf(scope),
    tokenId: jti,
    issuedAt: iat,
    expiresAt: exp!,
  };
}

/** Whether a `Date` can hold it. */
function isTime(seconds: number): boolean {
  return !Number.isNaN(new Date(seconds * 1000).getTime());
}

function scopesOf(scope: unknown): ReadonlySet<string> {
  const names = typeof scope === 'string' ? scope.split(' ').filter(Boolean) : [];
  return names.length === 0 ? NO_SCOPES : new Set(names);
}
