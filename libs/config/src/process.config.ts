import { hostname } from 'node:os';
import {
  IsBoolean,
  IsIn,
  IsInt,
  IsOptional,
  IsString,
  Matches,
  Max,
  Min,
  MinLength,
  ValidateIf,
} from 'class-validator';
import { DatabaseConfig } from './database.config.ts';
import { IsHttpUrl } from './http-url.ts';
import { hasNoRedisPassword, InProduction, NotInProduction } from './in-production.ts';
import { LessThan } from './less-than.ts';
import { IsRedisUrl } from './redis-url.ts';

/** What every app reads. */
export class ProcessConfig extends DatabaseConfig {
  @IsString()
  HOST = '0.0.0.0';

  @IsInt()
  @Min(0)
  @Max(65_535)
  PORT = 3000;

  /** Names this process in sessions, statistics and logs. */
  @Matches(/^[\w.:-]{1,100}$/)
  INSTANCE_ID = `${hostname()}-${process.pid}`;

  @IsIn(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
  LOG_LEVEL = 'info';

  @IsInt()
  @Min(1)
  @Max(500)
  DATABASE_POOL_SIZE = 10;

  @IsRedisUrl()
  @InProduction({
    refuse: hasNoRedisPassword,
    unless: 'ALLOW_UNPROTECTED_REDIS',
    message: 'has no password, or one that everybody knows: give this app a user and a password of its own',
  })
  REDIS_URL!: string;

  /** Lets production use a Redis without a password, or with a known one. */
  @IsBoolean()
  ALLOW_UNPROTECTED_REDIS = false;

  /** First part of every key and channel in Redis: lets installations share a server. */
  @Matches(/^[\w-]{1,40}$/)
  REDIS_PREFIX = 'tidings';

  /** Bearer token that `/metrics` asks for in production. */
  @ValidateIf((config: ProcessConfig) => config.METRICS_TOKEN !== undefined)
  @MinLength(16)
  METRICS_TOKEN?: string;

  /** Longest time from SIGTERM to exit, in milliseconds. */
  @IsInt()
  @Min(100)
  @Max(86_400_000)
  SHUTDOWN_GRACE_MS = 10_000;

  /** How long a process that is told to end still takes new connections, while `/readyz` says 503, in milliseconds: until balancers have noticed. */
  @IsInt()
  @Min(0)
  @LessThan('SHUTDOWN_GRACE_MS')
  DRAIN_DELAY_MS: number = 0;

  /** Where traces are sent to, by OTLP; the OpenTelemetry SDK reads it, and its other `OTEL_` variables, itself. Unset: no traces. */
  @IsOptional()
  @IsHttpUrl({ takesPassword: true })
  OTEL_EXPORTER_OTLP_ENDPOINT?: string;

  /** Where in the pipeline this process shall die: `<checkpoint>` or `<checkpoint>:<n>`. For tests; refused in production. */
  @ValidateIf((config: ProcessConfig) => config.CRASH_POINT !== undefined)
  @Matches(/^[a-z]+\.[a-z-]+(:\d+)?$/)
  @NotInProduction()
  CRASH_POINT?: string;
}
