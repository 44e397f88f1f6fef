export { AuthModule } from './auth.module.ts';
export { bearerToken, BearerGuard, CurrentIdentity, Public, refuseTokenInUrl, RequireScope } from './bearer.guard.ts';
export { expiryOf, hasExpired, type Identity } from './identity.ts';
export { Revocations } from './revocations.ts';
export { TokenVerifier } from './token-verifier.ts';
