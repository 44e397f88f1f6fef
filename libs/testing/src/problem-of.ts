import type { Problem } from '#contracts';

export interface Refusal extends Problem {
  /** Of the answer. */
  headers: Headers;
}

/** What gives away how the server is made. */
const STACK_TRACE = /\bat \S+ \(|node_modules|\.[jt]s:\d/;

/**
 * The problem (RFC 9457) with which a request was refused.
 *
 * @throws {Error} when the answer is no problem, lacks a part of it, or gives anything away
 */
export async function problemOf(answer: Response | Promise<Response>): Promise<Refusal> {
  const response = await answer;
  const { status, headers } = response;
  const text = await response.text();
  const fail = (why: string): never => {
    throw new Error(`${why}: ${status} ${headers.get('content-type')} ${text.slice(0, 500)}`);
  };
  if (!headers.get('content-type')?.startsWith('application/problem+json')) fail('this is no problem');
  if (STACK_TRACE.test(text)) fail('this holds a stack trace');
  const problem = JSON.parse(text) as Problem;
  const { code, type, title, detail, requestId } = problem;
  if (problem.status !== status) fail('the status is another one in the body');
  if (![code, title, detail, requestId].every((part) => typeof part === 'string' && part !== '')) {
    fail('code, title, detail or requestId is missing');
  }
  if (type !== `urn:tidings:problem:${code.toLowerCase().replaceAll('_', '-')}`) fail('the type does not fit the code');
  return { ...problem, headers };
}
