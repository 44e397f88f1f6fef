import type { FastifyInstance, FastifyReply } from 'fastify';
import { RateLimiterMemory, type RateLimiterRes } from 'rate-limiter-flexible';
import type { AuthConfig } from '#config';
import { ProblemError } from '#contracts';
import { sendProblem } from '../problem.filter.ts';

const WINDOW_SECONDS = 60;

/** For monitors and balancers, which must be answered whatever else comes from their address. */
const UNLIMITED = new Set(['/livez', '/readyz', '/metrics']);

type Limits = Pick<AuthConfig, 'RATE_LIMIT_PER_ADDRESS' | 'NODE_ENV'>;

/** In development, requests from this machine are not limited. */
export function isExempt(address: string, { NODE_ENV }: Pick<AuthConfig, 'NODE_ENV'>): boolean {
  return NODE_ENV === 'development' && /^(127\.|::1$|::ffff:127\.)/.test(address);
}

/** Limits the requests of an address to this instance, before anything is known of who it is. */
export function limitAddresses(server: FastifyInstance, config: Limits): void {
  const points = config.RATE_LIMIT_PER_ADDRESS;
  if (points === 0) return;
  const limiter = new RateLimiterMemory({ points, duration: WINDOW_SECONDS });
  server.addHook('onRequest', async (request, reply): Promise<FastifyReply | undefined> => {
    if (UNLIMITED.has(request.url) || isExempt(request.ip, config)) return undefined;
    const waitMs = await limiter.consume(request.ip).then(
      () => undefined,
      ({ msBeforeNext }: RateLimiterRes) => msBeforeNext,
    );
    if (waitMs === undefined) return undefined;
    const retryAfterSeconds = Math.ceil(waitMs / 1000);
    const detail = `More than ${points} requests from one address within ${WINDOW_SECONDS} seconds`;
    void reply.header('RateLimit-Policy', `"address";q=${points};w=${WINDOW_SECONDS}`);
    void reply.header('RateLimit', `"address";r=0;t=${retryAfterSeconds}`);
    sendProblem(new ProblemError('RATE_LIMITED', detail, { retryAfterSeconds }), request, reply);
    return reply;
  });
}
