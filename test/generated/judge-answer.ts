import { PROBLEMS, type ProblemCode } from '#contracts';
import { problemOf } from '#testing';
import type { OddRequest } from './odd-requests.ts';
import type { Route } from './routes.ts';

/** What is refused before a request comes to a route (docs/clients.md). */
const OF_HTTP = new Set<ProblemCode>(['NOT_FOUND', 'METHOD_NOT_ALLOWED', 'VALIDATION_FAILED', 'PAYLOAD_TOO_LARGE']);

/**
 * Judges the answer to a request that may be wrong: a success, or a problem that the OpenAPI
 * document tells of.
 *
 * @returns the code of the problem, or the status
 * @throws {Error} when it is neither
 */
export async function judgeAnswer(request: OddRequest, answer: Response, routes: readonly Route[]): Promise<string> {
  const { status } = answer;
  const fail = (why: string): never => {
    throw new Error(`${request.method} ${request.route.template}: ${status} ${why}`);
  };
  if (status >= 500) fail(await answer.text());
  const isDocumented = documentedFor(request, routes);
  if (status < 400) {
    if (!isDocumented(status)) fail('is not documented');
    return String(status);
  }
  // An answer to HEAD has no body.
  if (request.method === 'HEAD') return String(status);
  const { code, headers } = await problemOf(answer);
  if (PROBLEMS[code]?.status !== status) fail(`${code} is not of the catalogue`);
  if (status === 405 && !headers.get('allow')) fail('has no Allow');
  if (code !== 'HEADERS_TOO_LARGE' && !isDocumented(status, code)) fail(`${code} is not documented`);
  return code;
}

/** Whether an answer is one that clients are told of; where no route is meant, one of any route. */
function documentedFor({ method, route, isWhole }: OddRequest, routes: readonly Route[]) {
  const found = routes.find(
    (each) => each.template === route.template && each.method === (method === 'HEAD' ? 'GET' : method),
  );
  return (status: number, code?: ProblemCode): boolean => {
    const isOf = ({ answers }: Route): boolean =>
      (code ? answers.get(status)?.has(code) : answers.has(status)) ?? false;
    if (isWhole && found?.isProtected) return isOf(found);
    if (code && OF_HTTP.has(code)) return true;
    // The path of one may be that of another too: `batch` is an id for those who read.
    return isWhole && found ? isOf(found) : routes.some(isOf);
  };
}
