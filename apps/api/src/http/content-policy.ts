import type { ApiConfig } from '#config';
import { NO_PAGE, type ContentPolicy } from '#http';

/** Swagger's page has styles and images within. */
const DOCS: ContentPolicy = {
  ...NO_PAGE,
  'script-src': ["'self'"],
  'style-src': ["'self'", "'unsafe-inline'"],
  'img-src': ["'self'", 'data:'],
  'connect-src': ["'self'"],
};

/** What the pages of the api may load: nothing but what comes with them, and the console its sockets. */
export function contentPolicies({ SOCKET_URLS }: Pick<ApiConfig, 'SOCKET_URLS'>): (url: string) => ContentPolicy {
  const sockets = SOCKET_URLS.split(',').flatMap((url) => URL.parse(url.trim())?.origin ?? []);
  const console: ContentPolicy = {
    ...NO_PAGE,
    'script-src': ["'self'"],
    'style-src': ["'self'"],
    'img-src': ["'self'"],
    'connect-src': ["'self'", ...sockets, ...sockets.map((origin) => origin.replace(/^http/, 'ws'))],
  };
  return (url) => (/^\/docs(?:[/?]|$)/.test(url) ? DOCS : console);
}
