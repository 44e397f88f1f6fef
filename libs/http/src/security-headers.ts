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

/** The headers of one policy, ready to be set. */
type Headers = readonly (readonly [name: string, value: string])[];

/** @param policyOf what a page at this URL may load; one of few policies, each made once */
export function securityHeaders(policyOf: (url: string) => ContentPolicy = () => NO_PAGE): SecurityHeaders {
  const made = new Map<ContentPolicy, Record<'plain' | 'tls', Headers>>();
  return (request, response) => {
    const policy = policyOf(request.url ?? '/');
    let headers = made.get(policy);
    if (!headers) made.set(policy, (headers = { plain: headersOf(policy, false), tls: headersOf(policy, true) }));
    for (const [name, value] of headers[isByTls(request) ? 'tls' : 'plain']) response.setHeader(name, value);
  };
}

/** What helmet sets, which is the same each time. Browsers refuse the headers about transport where there is no TLS. */
function headersOf(policy: ContentPolicy, isSecure: boolean): Headers {
  const set = helmet({
    contentSecurityPolicy: { useDefaults: false, directives: policy },
    strictTransportSecurity: isSecure,
    crossOriginOpenerPolicy: isSecure,
    // Nothing here names itself.
    xPoweredBy: false,
    // Of browsers and plugins that are gone.
    xDownloadOptions: false,
    xPermittedCrossDomainPolicies: false,
    xXssProtection: false,
    xDnsPrefetchControl: false,
    originAgentCluster: false,
  });
  const headers: [string, string][] = [];
  const collector = { setHeader: (name: string, value: string) => headers.push([name, value]) };
  set(undefined as never, collector as never, () => undefined);
  return headers;
}

/** Told by the balancer. Who makes it up changes no answers but their own. */
function isByTls({ headers, socket }: IncomingMessage): boolean {
  return 'encrypted' in socket || headers['x-forwarded-proto'] === 'https';
}
