import type { FastifyInstance, FastifyRequest } from 'fastify';
import { bearerToken, refuseTokenInUrl, type TokenVerifier } from '#auth';
import type { CountedRequest, RateLimitGuard } from '#http';

/** Routes that want a token: all but those of development, of which one gives it. */
const WITH_TOKEN = /^\/v1\/(?!dev\/)/;

/**
 * Refuses who has no good token, or sends too much, before a body is read: to unpack and parse
 * megabytes is dear, and is done for nobody unknown, nor without being counted, whatever they
 * turn out to be. The guards of the routes stay the authority; for them the verifier remembers
 * the token. Behind the hooks of `onRequest`, so that what is refused
 * carries the headers of CORS.
 */
export function askTokenFirst(server: FastifyInstance, verifier: TokenVerifier, limit: RateLimitGuard): void {
  server.addHook('preParsing', async (request: CountedRequest, reply) => {
    if (!bringsBody(request) || !WITH_TOKEN.test(request.routeOptions.url ?? '')) return;
    refuseTokenInUrl(request.query);
    request.identity = await verifier.verifyOnce(bearerToken(request.headers.authorization));
    await limit.count(request, reply);
  });
}

function bringsBody({ headers }: FastifyRequest): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}
