import { IsInt, IsNotIn, IsOptional, IsString, IsUrl, Max, Min, MinLength, ValidateIf } from 'class-validator';
import { ProcessConfig } from './process.config.ts';

/** What the apps read that take tokens, and actions, from clients. */
export class AuthConfig extends ProcessConfig {
  /** Secret of HS256 tokens; needed unless `JWKS_URL` is set. */
  @ValidateIf((config: AuthConfig) => config.JWKS_URL === undefined || config.JWT_SECRET !== undefined)
  @MinLength(32, { message: 'JWT_SECRET must have at least 32 characters (or set JWKS_URL)' })
  @IsNotIn(['tidings-development-secret-not-for-production'], {
    message: 'JWT_SECRET must not be the published development secret',
  })
  JWT_SECRET?: string;

  /** Where the public keys of the token issuer are. */
  @IsOptional()
  @IsUrl({ require_tld: false, protocols: ['http', 'https'], require_protocol: true })
  JWKS_URL?: string;

  @IsString()
  JWT_ISSUER = 'tidings';

  @IsString()
  JWT_AUDIENCE = 'tidings';

  /** Origins of browsers that may call, comma separated; `*` for any. Empty: the same origin only. */
  @IsString()
  ALLOWED_ORIGINS = '';

  /** Requests that a user may send within a minute, over all instances; 0: no limit. */
  @IsInt()
  @Min(0)
  RATE_LIMIT_PER_USER = 6_000;

  /** Requests that an address may send to one instance within a minute; 0: no limit. */
  @IsInt()
  @Min(0)
  RATE_LIMIT_PER_ADDRESS = 60_000;

  /** Addresses or networks of balancers, comma separated, whose `X-Forwarded-For` is believed. */
  @IsString()
  TRUSTED_PROXIES = '';

  /** How long an accepted action may stay unfinished before it ends as `expired`, in seconds. */
  @IsInt()
  @Min(1)
  @Max(7 * 86_400)
  ACTION_TTL_SECONDS = 86_400;
}
