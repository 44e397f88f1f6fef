export { httpErrors, ignoreExpectations } from './http-errors.ts';
export { ProblemFilter, toProblemError } from './problem.filter.ts';
export { isExempt, limitAddresses } from './rate-limit/address-limit.ts';
export { RateLimitGuard } from './rate-limit/rate-limit.guard.ts';
