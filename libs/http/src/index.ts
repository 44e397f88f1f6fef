export { httpErrors, ignoreExpectations } from './http-errors.ts';
export { ProblemFilter, sendProblem, toProblemError } from './problem.filter.ts';
export { AddressLimit, isExempt } from './rate-limit/address-limit.ts';
export { RateLimitGuard, type CountedRequest } from './rate-limit/rate-limit.guard.ts';
export { NO_PAGE, securityHeaders, type ContentPolicy, type SecurityHeaders } from './security-headers.ts';
export { serverOptions } from './server-options.ts';
