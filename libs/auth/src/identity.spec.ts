import { expect, it } from 'vitest';
import { hasExpired, type Identity } from './identity.ts';

it('a token has expired from the moment on that it names', () => {
  const identity: Identity = { userId: 'alice', scopes: new Set(), tokenId: undefined, issuedAt: 0, expiresAt: 60 };
  expect([59_999, 60_000, 60_001].map((time) => hasExpired(identity, time))).toEqual([false, true, true]);
});
