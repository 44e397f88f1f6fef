import { IsInt, IsString, Max, Min } from 'class-validator';
import { AuthConfig } from './auth.config.ts';

export class ApiConfig extends AuthConfig {
  /** Base URLs of the socket apps, comma separated: what the console offers to connect to. Empty: its own origin. */
  @IsString()
  SOCKET_URLS = '';

  /** How long an accepted action may stay unfinished before it ends as `expired`, in seconds. */
  @IsInt()
  @Min(1)
  @Max(7 * 86_400)
  ACTION_TTL_SECONDS = 86_400;
}
