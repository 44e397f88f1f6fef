import { IsString } from 'class-validator';
import { AuthConfig } from './auth.config.ts';
import { NotInProduction } from './in-production.ts';

export class ApiConfig extends AuthConfig {
  /** Base URLs of the socket apps, comma separated: what the console offers to connect to. Empty: its own origin. */
  @IsString()
  SOCKET_URLS = '';

  /** Where `npm start` takes orders to kill and restart its processes; for development only. */
  @IsString()
  @NotInProduction()
  SUPERVISOR_URL = '';
}
