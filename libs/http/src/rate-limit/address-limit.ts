import type { IncomingMessage } from 'node:http';
import proxyAddress from '@fastify/proxy-addr';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { RateLimiterMemory, type RateLimiterRes } from 'rate-limiter-flexible';
import type { AuthConfig } from '#config';
import { ProblemError } from '#contracts';
import { sendProblem } from '../problem.filter.ts';
import { trustedProxies } from '../server-options.ts';
import { networkOf } from './network.ts';

const WINDOW_SECONDS = 60;

/** For monitors and balancers, which must be answered whatever else comes from their address. */
const UNLIMITED = new Set(['/livez', '/readyz', '/metrics']);

type Limits = Pick<AuthConfig, 'RATE_LIMIT_PER_ADDRESS' | 'NODE_ENV' | 'TRUSTED_PROXIES'>;

/** In development, requests from this machine are not limited. */
export function isExempt(address: string, { NODE_ENV }: Pick<AuthConfig, 'NODE_ENV'>): boolean {
  return NODE_ENV === 'development' && /^(127\.|::1$|::ffff:127\.)/.test(address);
}

/** Limits what an address may ask of this instance, before anything is known of who it is. */
export class AddressLimit {
  readonly #limiter: RateLimiterMemory;
  readonly #isTrusted: (address: string, hop: number) => boolean;

  constructor(private readonly config: Limits) {
    this.#limiter = new RateLimiterMemory({
      points: Math.max(config.RATE_LIMIT_PER_ADDRESS, 1),
      duration: WINDOW_SECONDS,
    });
    this.#isTrusted = proxyAddress.compile(trustedProxies(config) || []);
  }

  /** Counts a request of an address, or of its network; how long it must wait, in seconds, when it is refused. */
  async consume(address: string): Promise<number | undefined> {
    if (this.config.RATE_LIMIT_PER_ADDRESS === 0 || isExempt(address, this.config)) return undefined;
    return this.#limiter.consume(networkOf(address)).then(
      () => undefined,
      ({ msBeforeNext }: RateLimiterRes) => Math.ceil(msBeforeNext / 1000),
    );
  }

  /** Counts a request that no framework has looked at yet. */
  consumeRaw(request: IncomingMessage): Promise<number | undefined> {
    return this.consume(proxyAddress(request, this.#isTrusted));
  }

  /** Has a server refuse what goes beyond. */
  guard(server: FastifyInstance): void {
    const points = this.config.RATE_LIMIT_PER_ADDRESS;
    if (points === 0) return;
    server.addHook('onRequest', async (request, reply): Promise<FastifyReply | undefined> => {
      if (UNLIMITED.has(request.url)) return undefined;
      const retryAfterSeconds = await this.consume(request.ip);
      if (retryAfterSeconds === undefined) return undefined;
      const detail = `More than ${points} requests from one address within ${WINDOW_SECONDS} seconds`;
      void reply.header('RateLimit-Policy', `"address";q=${points};w=${WINDOW_SECONDS}`);
      void reply.header('RateLimit', `"address";r=0;t=${retryAfterSeconds}`);
      sendProblem(new ProblemError('RATE_LIMITED', detail, { retryAfterSeconds }), request, reply);
      return reply;
    });
  }
}
