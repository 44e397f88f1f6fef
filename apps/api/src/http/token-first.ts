import type { FastifyInstance, FastifyRequest } from 'fastify';
import { bearerToken, refuseTokenInUrl, type TokenVerifier } from '#auth';

/** Routes that want a token: all but those of development, of which one gives it. */
const WITH_TOKEN = /^\/v1\/(?!dev\/)/;

/**
 * Refuses who has no good token before a body is read: to unpack and parse megabytes is dear,
 * and is done for nobody unknown. The guard of the routes stays the authority; for it the
 * verifier remembers the token. Behind the hooks of `onRequest`, so that what is refused
 * carries the headers of CORS.
 */
export function askTokenFirst(server: FastifyInstance, verifier: TokenVerifier): void {
  server.addHook('preParsing', async (request) => {
    if (!bringsBody(request) || !WITH_TOKEN.test(request.routeOptions.url ?? '')) return;
    refuseTokenInUrl(request.query);
    await verifier.verifyOnce(bearerToken(request.headers.authorization));
  });
}

function bringsBody({ headers }: FastifyRequest): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}
