import { IsOptional, IsString, MinLength } from 'class-validator';
import { AuthConfig } from './auth.config.ts';
import { EachOf } from './each-of.ts';
import { NotInProduction } from './in-production.ts';

export class ApiConfig extends AuthConfig {
  /** Base URLs of the socket apps, comma separated: what the console offers to connect to. Empty: its own origin. */
  @IsString()
  @EachOf((text) => /^https?:/.test(URL.parse(text)?.protocol ?? ''), 'a URL such as https://sockets.example.com')
  SOCKET_URLS = '';

  /** Password of Bull Board at `/queues` (HTTP Basic, by any name); unset, it is not there. */
  @IsOptional()
  @IsString()
  @MinLength(16)
  QUEUES_DASHBOARD_PASSWORD?: string;

  /** Where `npm start` takes orders to kill and restart its processes; for development only. */
  @IsString()
  @NotInProduction()
  SUPERVISOR_URL = '';
}
