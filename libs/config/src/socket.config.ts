import { IsBoolean, IsInt, Max, Min } from 'class-validator';
import { AuthConfig } from './auth.config.ts';

export class SocketConfig extends AuthConfig {
  /** Whether connections without a token are taken; they hear `everyone` only. */
  @IsBoolean()
  ALLOW_GUESTS = true;

  /** Mean time between two comparisons of positions with the ledger, in milliseconds (± 20 %). */
  @IsInt()
  @Min(100)
  @Max(60_000)
  POSITION_CHECK_MS = 10_000;
}
