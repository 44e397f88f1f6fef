import { hostname } from 'node:os';
import {
  IsIn,
  IsInt,
  IsOptional,
  IsString,
  IsUrl,
  Matches,
  Max,
  Min,
  MinLength,
  ValidateBy,
  ValidateIf,
  type ValidationArguments,
} from 'class-validator';

/** For variables that must not be set in production. */
function NotInProduction(): PropertyDecorator {
  return ValidateBy({
    name: 'notInProduction',
    validator: {
      validate: (_value: unknown, target?: ValidationArguments) => !(target!.object as ProcessConfig).isProduction,
      defaultMessage: () => '$property must not be set in production',
    },
  });
}

/** What every app reads. */
export class ProcessConfig {
  @IsIn(['development', 'test', 'production'])
  NODE_ENV: 'development' | 'test' | 'production' = 'production';

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

  @Matches(/^postgres(ql)?:\/\//, { message: 'DATABASE_URL must be a postgres:// URL' })
  DATABASE_URL!: string;

  @IsInt()
  @Min(1)
  @Max(500)
  DATABASE_POOL_SIZE = 10;

  @Matches(/^rediss?:\/\//, { message: 'REDIS_URL must be a redis:// or rediss:// URL' })
  REDIS_URL!: string;

  /** First part of every key and channel in Redis: lets installations share a server. */
  @Matches(/^[\w-]{1,40}$/)
  REDIS_PREFIX = 'tidings';

  /** Bearer token that `/metrics` asks for in production. */
  @ValidateIf((config: ProcessConfig) => config.METRICS_TOKEN !== undefined)
  @MinLength(16)
  METRICS_TOKEN?: string;

  /** Longest time from SIGTERM to exit, in milliseconds. */
  @IsOptional()
  @IsInt()
  @Min(100)
  SHUTDOWN_GRACE_MS = 10_000;

  /** How long a process that is told to end still takes new connections, while `/readyz` says 503, in milliseconds: until balancers have noticed. */
  @IsInt()
  @Min(0)
  DRAIN_DELAY_MS: number = 0;

  /** Where traces are sent to, by OTLP; the OpenTelemetry SDK reads it, and its other `OTEL_` variables, itself. Unset: no traces. */
  @IsOptional()
  @IsUrl({ require_tld: false, protocols: ['http', 'https'], require_protocol: true })
  OTEL_EXPORTER_OTLP_ENDPOINT?: string;

  /** Where in the pipeline this process shall die: `<checkpoint>` or `<checkpoint>:<n>`. For tests; refused in production. */
  @ValidateIf((config: ProcessConfig) => config.CRASH_POINT !== undefined)
  @Matches(/^[a-z]+\.[a-z-]+(:\d+)?$/)
  @NotInProduction()
  CRASH_POINT?: string;

  get isProduction(): boolean {
    return this.NODE_ENV === 'production';
  }
}
