import { createParamDecorator, Injectable, SetMetadata, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { ProblemError } from '#contracts';
import type { Identity } from './identity.ts';
import { TokenVerifier } from './token-verifier.ts';

interface AuthenticatedRequest {
  headers: { authorization?: string };
  query: unknown;
  identity?: Identity;
}

/** Also set by routes that do not know this library, such as health. */
const PUBLIC = 'public';
const SCOPE = 'scope';

/** Marks a route that needs no token. */
export const Public = () => SetMetadata(PUBLIC, true);

/** Marks a route that needs a scope in the token. */
export const RequireScope = (scope: string) => SetMetadata(SCOPE, scope);

/** The identity of the request, as a parameter of a route. */
export const CurrentIdentity = createParamDecorator((_: unknown, context: ExecutionContext): Identity => {
  return context.switchToHttp().getRequest<AuthenticatedRequest>().identity!;
});

/** Lets requests in that bring a valid bearer token (RFC 6750). */
@Injectable()
export class BearerGuard implements CanActivate {
  constructor(
    private readonly verifier: TokenVerifier,
    private readonly reflector: Reflector,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const targets = [context.getHandler(), context.getClass()];
    if (this.reflector.getAllAndOverride<boolean>(PUBLIC, targets)) return true;
    const request = context.switchToHttp().getRequest<AuthenticatedRequest>();
    refuseTokenInUrl(request.query);
    request.identity = await this.verifier.verifyOnce(bearerToken(request.headers.authorization));
    const scope = this.reflector.getAllAndOverride<string>(SCOPE, targets);
    if (scope !== undefined && !request.identity.scopes.has(scope)) {
      throw new ProblemError('FORBIDDEN', `The token lacks the scope "${scope}"`, { scope });
    }
    return true;
  }
}

/**
 * The token of an `Authorization` header.
 *
 * @throws {ProblemError} `UNAUTHENTICATED` when there is none
 */
export function bearerToken(header: string | undefined): string {
  const [, token] = /^Bearer +([^\s]+)$/i.exec(header ?? '') ?? [];
  if (token === undefined) throw new ProblemError('UNAUTHENTICATED', 'Send a token: "Authorization: Bearer <JWT>"');
  return token;
}

/** By what names a token would be sent in a URL (RFC 6750, 2.3, among others). */
const TOKEN_PARAMETERS = new Set(['access_token', 'token', 'auth', 'authorization', 'jwt']);

/**
 * URLs end up in logs and histories, and so would the token: it is refused even beside a good one.
 *
 * @throws {ProblemError} `UNAUTHENTICATED` when the query names a token
 */
export function refuseTokenInUrl(query: unknown): void {
  const name = Object.keys(query ?? {}).find((key) => TOKEN_PARAMETERS.has(key.toLowerCase()));
  if (name === undefined) return;
  throw new ProblemError('UNAUTHENTICATED', 'Never send a token in a URL; consider this one known, and revoke it');
}
