import { IsInt, Max, Min } from 'class-validator';
import { ProcessConfig } from './process.config.ts';

export class WorkerConfig extends ProcessConfig {
  /** A sweep holds one connection, and needs another for what it ends. */
  @IsInt()
  @Min(2)
  @Max(500)
  override DATABASE_POOL_SIZE = 10;

  /** Tickets held at once; a ticket names up to 50 actions. */
  @IsInt()
  @Min(1)
  @Max(1000)
  WORKER_CONCURRENCY = 50;

  /** How often an action is tried before it fails for good. */
  @IsInt()
  @Min(1)
  @Max(100)
  MAX_ATTEMPTS = 5;

  /** Delay of the first retry, in milliseconds; it doubles with each further one, with jitter. */
  @IsInt()
  @Min(1)
  RETRY_BACKOFF_MS = 500;

  /** Longest time that the handlers of one transaction may take, in milliseconds; the server ends it at 4 s. */
  @IsInt()
  @Min(50)
  @Max(3_000)
  APPLY_TIMEOUT_MS: number = 2_500;

  /** Handlers with work outside a transaction that run at once. */
  @IsInt()
  @Min(1)
  @Max(10_000)
  PERFORM_CONCURRENCY: number = 100;

  /** Longest time for work outside a transaction, unless its handler says otherwise, in milliseconds. */
  @IsInt()
  @Min(50)
  @Max(86_400_000)
  PERFORM_TIMEOUT_MS: number = 30_000;

  /** How long the event loop may stand still before the process is ended, in milliseconds; 0 for ever. */
  @IsInt()
  @Min(0)
  BLOCKED_LIMIT_MS: number = 10_000;

  /** How long actions, outcomes and events are kept, in days: 2 to 36500. */
  @IsInt()
  @Min(2)
  @Max(36_500)
  RETENTION_DAYS: number = 7;

  /** How long an action may be unfinished before the sweeper looks after it, in milliseconds. */
  @IsInt()
  @Min(100)
  @Max(86_400_000)
  SWEEP_AFTER_MS = 3_000;

  /** Time between two looks of the sweeper, in milliseconds. */
  @IsInt()
  @Min(50)
  @Max(86_400_000)
  SWEEP_INTERVAL_MS = 1_000;
}
