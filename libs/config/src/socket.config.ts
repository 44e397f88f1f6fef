import { IsBoolean, IsInt, Max, Min } from 'class-validator';
import { AuthConfig } from './auth.config.ts';

export class SocketConfig extends AuthConfig {
  /** Whether connections without a token are taken; they hear `everyone` only. */
  @IsBoolean()
  ALLOW_GUESTS = true;

  /** Events that a user may send to one instance within 10 seconds, over all connections; 0: no limit. */
  @IsInt()
  @Min(0)
  RATE_LIMIT_EVENTS = 1_000;

  /** Connections that a user may have to one instance; 0: no limit. */
  @IsInt()
  @Min(0)
  MOST_CONNECTIONS_PER_USER = 100;

  /** How long an opened connection may take to say who it is, in milliseconds. */
  @IsInt()
  @Min(100)
  @Max(60_000)
  CONNECT_TIMEOUT_MS = 10_000;

  /** Longest time over which an instance that ends sends its clients away, in milliseconds; few take less. */
  @IsInt()
  @Min(0)
  @Max(86_400_000)
  DRAIN_WINDOW_MS = 3_000;

  /** Mean time between two comparisons of positions with the ledger, in milliseconds (± 20 %). */
  @IsInt()
  @Min(100)
  @Max(60_000)
  POSITION_CHECK_MS = 10_000;
}
