import proxyAddress from '@fastify/proxy-addr';
import { IsBoolean, IsInt, IsNotIn, IsOptional, IsString, Max, Min, MinLength, ValidateIf } from 'class-validator';
import { EachOf } from './each-of.ts';
import { IsHttpUrl } from './http-url.ts';
import { InProduction, isKnownSecret } from './in-production.ts';
import { ProcessConfig } from './process.config.ts';

/** Whether a browser may say so of itself: without a path, without the port that goes without saying, and never of many. */
function isOrigin(text: string): boolean {
  if (text === '*') return true;
  if (text.includes('*')) return false;
  return /^https?:/i.test(text) ? URL.parse(text)?.origin === text : /^[a-z][\w+.-]*:\/\/[^/?#\s]+$/.test(text);
}

function isNetwork(text: string): boolean {
  try {
    proxyAddress.compile(text);
    return true;
  } catch {
    return false;
  }
}

/** What the apps read that take tokens, and actions, from clients. */
export class AuthConfig extends ProcessConfig {
  /** Secret of HS256 tokens; needed unless `JWKS_URL` is set. */
  @ValidateIf((config: AuthConfig) => config.JWKS_URL === undefined || config.JWT_SECRET !== undefined)
  @MinLength(32, { message: 'JWT_SECRET must have at least 32 characters (or set JWKS_URL)' })
  @IsNotIn(['tidings-development-secret-not-for-production'], {
    message: 'JWT_SECRET must not be the published development secret',
  })
  @InProduction({ refuse: isKnownSecret, message: 'is a known or a simple one: make your own, openssl rand -hex 32' })
  JWT_SECRET?: string;

  /** Where the public keys of the token issuer are; without a user or a password. */
  @IsOptional()
  @IsHttpUrl({ takesPassword: false })
  JWKS_URL?: string;

  @IsString()
  JWT_ISSUER = 'tidings';

  @IsString()
  JWT_AUDIENCE = 'tidings';

  /** Origins of browsers that may call, comma separated; `*` for any. Empty: the same origin only. */
  @IsString()
  @EachOf(isOrigin, 'an origin such as https://app.example.com')
  @InProduction({
    refuse: (origins) => origins.split(',').some((origin) => origin.trim() === '*'),
    unless: 'ALLOW_ANY_ORIGIN',
    message: 'lets the pages of anybody call with a token of your users: name the origins',
  })
  ALLOWED_ORIGINS = '';

  /** Lets production take `*` as `ALLOWED_ORIGINS`. */
  @IsBoolean()
  ALLOW_ANY_ORIGIN = false;

  /** Requests that a user may send within a minute, over all instances; 0: no limit. */
  @IsInt()
  @Min(0)
  RATE_LIMIT_PER_USER = 6_000;

  /** Requests that an address may send to one instance within a minute; 0: no limit. */
  @IsInt()
  @Min(0)
  RATE_LIMIT_PER_ADDRESS = 60_000;

  /** Bytes that a user may send to one instance within a minute, in requests or on sockets; 0: no limit. */
  @IsInt()
  @Min(0)
  RATE_LIMIT_BYTES = 200_000_000;

  /** How long the head of a request may take, in milliseconds. */
  @IsInt()
  @Min(100)
  @Max(600_000)
  HEADERS_TIMEOUT_MS = 10_000;

  /** How long a whole request may take to arrive, in milliseconds. */
  @IsInt()
  @Min(100)
  @Max(600_000)
  REQUEST_TIMEOUT_MS = 30_000;

  /** How long a connection may be idle between two requests, in milliseconds; longer than the balancer's. */
  @IsInt()
  @Min(100)
  @Max(600_000)
  KEEP_ALIVE_TIMEOUT_MS = 75_000;

  /** Addresses or networks of balancers, comma separated, whose `X-Forwarded-For` is believed. */
  @IsString()
  @EachOf(isNetwork, 'an address, a network, or one of loopback, linklocal, uniquelocal')
  TRUSTED_PROXIES = '';

  /** How long an accepted action may stay unfinished before it ends as `expired`, in seconds. */
  @IsInt()
  @Min(1)
  @Max(7 * 86_400)
  ACTION_TTL_SECONDS = 86_400;
}
