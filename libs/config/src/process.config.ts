import { hostname } from 'node:os';
import {
  IsIn,
  IsInt,
  IsOptional,
  IsString,
  Matches,
  Max,
  Min,
  MinLength,
  ValidateBy,
  ValidateIf,
  type ValidationArguments,
} from 'class-validator';
import { IsRedisUrl } from './redis-url.ts';

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

  @IsRedisUrl()
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

  /** Where in the pipeline this process shall die: `<checkpoint>` or `<checkpoint>:<n>`. For tests; refused in production. */
  @ValidateIf((config: ProcessConfig) => config.CRASH_POINT !== undefined)
  @Matches(/^[a-z]+\.[a-z-]+(:\d+)?$/)
  @NotInProduction()
  CRASH_POINT?: string;

  get isProduction(): boolean {
    return this.NODE_ENV === 'production';
  }
}
