import type { IncomingMessage, ServerResponse } from 'node:http';
import helmet from 'helmet';

/** Directives of a Content-Security-Policy. */
export type ContentPolicy = Readonly<Record<string, readonly string[]>>;

/** For what is no page: a browser that shows it all the same loads and runs nothing. */
export const NO_PAGE: ContentPolicy = {
  'default-src': ["'none'"],
  'base-uri': ["'none'"],
  'form-action': ["'none'"],
  'frame-ancestors': ["'none'"],
};

/** Sets the security headers of an answer, before anything else is written. */
export type SecurityHeaders = (request: IncomingMessage, response: ServerResponse) => void;

/** @param policyOf what a page at this URL may load; one of few policies, each made once */
export function securityHeaders(policyOf: (url: string) => ContentPolicy = () => NO_PAGE): SecurityHeaders {
  const made = new Map<ContentPolicy, Record<'plain' | 'tls', ReturnType<typeof helmet>>>();
  return (request, response) => {
    const policy = policyOf(request.url ?? '/');
    let headers = made.get(policy);
    if (!headers) made.set(policy, (headers = { plain: headersOf(policy, false), tls: headersOf(policy, true) }));
    headers[isByTls(request) ? 'tls' : 'plain'](request, response, () => undefined);
  };
}

/** Browsers refuse the headers about transport where there is no TLS. */
function headersOf(policy: ContentPolicy, isSecure: boolean): ReturnType<typeof helmet> {
  return helmet({
    contentSecurityPolicy: { useDefaults: false, directives: policy },
    strictTransportSecurity: isSecure,
    crossOriginOpenerPolicy: isSecure,
    // Of browsers and plugins that are gone.
    xDownloadOptions: false,
    xPermittedCrossDomainPolicies: false,
    xXssProtection: false,
    xDnsPrefetchControl: false,
    originAgentCluster: false,
  });
}

/** Told by the balancer. Who makes it up changes no answers but their own. */
function isByTls({ headers, socket }: IncomingMessage): boolean {
  return 'encrypted' in socket || headers['x-forwarded-proto'] === 'https';
}
