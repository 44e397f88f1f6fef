/** Who sends a request or holds a connection. */
export interface Identity {
  /** `sub` of the token. */
  userId: string;
  scopes: ReadonlySet<string>;
  /** `jti` of the token, if it has one. */
  tokenId: string | undefined;
  issuedAt: Date;
  expiresAt: Date;
}
