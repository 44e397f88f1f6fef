import { IsBoolean, IsInt, Max, Min } from 'class-validator';
import { Transform } from 'class-transformer';
import { AuthConfig } from './auth.config.ts';

export class SocketConfig extends AuthConfig {
  /** Whether connections without a token are taken; they hear `everyone` only. */
  @IsBoolean()
  @Transform(({ obj }: { obj: Record<string, unknown> }) => asBoolean(obj['ALLOW_GUESTS']))
  ALLOW_GUESTS = true;

  /** Mean time between two comparisons of positions with the ledger, in milliseconds (± 20 %). */
  @IsInt()
  @Min(100)
  @Max(60_000)
  POSITION_CHECK_MS = 10_000;
}

function asBoolean(value: unknown): unknown {
  if (value === 'true' || value === '1') return true;
  if (value === 'false' || value === '0') return false;
  return value ?? true;
}
