/** Who sends a request or holds a connection. */
export interface Identity {
  /** `sub` of the token. */
  userId: string;
  scopes: ReadonlySet<string>;
  /** `jti` of the token, if it has one. */
  tokenId: string | undefined;
  /**
   * In seconds since 1970, as in the token (RFC 7519, NumericDate): a `Date` takes ten times the
   * memory. 0 for one that does not say when it was issued.
   */
  issuedAt: number;
  expiresAt: number;
}

/** Whether the token has expired by the clock of this machine. */
export function hasExpired({ expiresAt }: Identity, time = Date.now()): boolean {
  return expiresAt * 1000 <= time;
}

/** When the token expires, as people and clients read it (RFC 3339). */
export function expiryOf({ expiresAt }: Identity): string {
  return new Date(expiresAt * 1000).toISOString();
}
