import { randomUUID } from 'node:crypto';
import type { Server } from 'node:http';
import type { FastifyHttpOptions } from 'fastify';
import type { AuthConfig } from '#config';

/** Largest head of a request, in bytes; room for a long token. Beyond it: 431. */
const LARGEST_HEAD = 16 * 1024;

/** How often connections are looked at that are too slow, in milliseconds; no more often than they are given. */
const MOST_BETWEEN_LOOKS_MS = 5_000;

type Limits = Pick<
  AuthConfig,
  'HEADERS_TIMEOUT_MS' | 'REQUEST_TIMEOUT_MS' | 'KEEP_ALIVE_TIMEOUT_MS' | 'TRUSTED_PROXIES'
>;

/** What keeps slow clients from holding connections, and says whose `X-Forwarded-For` is believed. */
export function serverOptions(config: Limits): FastifyHttpOptions<Server> {
  const { HEADERS_TIMEOUT_MS: headersTimeout, REQUEST_TIMEOUT_MS: requestTimeout } = config;
  return {
    genReqId: () => randomUUID(),
    trustProxy: trustedProxies(config),
    requestTimeout,
    keepAliveTimeout: config.KEEP_ALIVE_TIMEOUT_MS,
    http: {
      headersTimeout: Math.min(headersTimeout, requestTimeout),
      connectionsCheckingInterval: Math.min(headersTimeout, MOST_BETWEEN_LOOKS_MS),
      maxHeaderSize: LARGEST_HEAD,
    },
  };
}

/** Nobody's unless it is said. */
export function trustedProxies({ TRUSTED_PROXIES }: Pick<AuthConfig, 'TRUSTED_PROXIES'>): string[] | false {
  const proxies = TRUSTED_PROXIES.split(',')
    .map((address) => address.trim())
    .filter(Boolean);
  return proxies.length > 0 && proxies;
}
