import { Catch, HttpException, Logger, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyInstance, FastifyReply, FastifyRequest, HTTPMethods } from 'fastify';
import { ProblemError, type Problem, type ProblemCode } from '#contracts';
import { isTransient } from '#database';

const CODES: Record<number, ProblemCode> = {
  400: 'VALIDATION_FAILED',
  401: 'UNAUTHENTICATED',
  403: 'FORBIDDEN',
  404: 'NOT_FOUND',
  405: 'METHOD_NOT_ALLOWED',
  413: 'PAYLOAD_TOO_LARGE',
  415: 'UNSUPPORTED_MEDIA_TYPE',
  429: 'RATE_LIMITED',
  503: 'UNAVAILABLE',
};

/** Answers every error as `application/problem+json` (RFC 9457); what is unforeseen without a detail. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  private readonly logger = new Logger(ProblemFilter.name);

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const reply = http.getResponse<FastifyReply>();
    if (isHealth(error)) void reply.status(error.getStatus()).send(error.getResponse());
    else sendProblem(request.is404 ? unknownRoute(request, reply) : this.problemOf(error, request), request, reply);
  }

  private problemOf(error: unknown, { id: requestId }: FastifyRequest): ProblemError {
    const problem = toProblemError(error);
    if (problem.status >= 500 && problem.code !== 'UNAVAILABLE') this.logger.error({ err: error, requestId });
    return problem;
  }
}

/** Not ready is an answer with a body of its own. */
function isHealth(error: unknown): error is HttpException {
  return (
    error instanceof HttpException &&
    typeof error.getResponse() === 'object' &&
    'checks' in (error.getResponse() as object)
  );
}

const METHODS: HTTPMethods[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'];

/** 405 with `Allow` where another method would do (RFC 9110, 15.5.6), else 404. */
function unknownRoute({ server, url }: FastifyRequest, reply: FastifyReply): ProblemError {
  const path = url.split('?', 1)[0]!;
  const allowed = METHODS.filter((method) => isServed(server, method, path)).join(', ');
  if (allowed === '') return new ProblemError('NOT_FOUND', 'There is no such route');
  void reply.header('Allow', allowed);
  return new ProblemError('METHOD_NOT_ALLOWED', `Use ${allowed}`);
}

/** The router finds `/v1/messages/:id` for `/v1/messages/` too; with an empty id Nest does not serve it. */
function isServed(server: FastifyInstance, method: HTTPMethods, path: string): boolean {
  const found = server.findRoute({ method, url: path }) as { params: Record<string, string> } | null;
  return found !== null && Object.entries(found.params).every(([name, value]) => value !== '' || name === '*');
}

export function toProblemError(error: unknown): ProblemError {
  if (error instanceof ProblemError) return error;
  if (isTransient(error)) {
    return new ProblemError('UNAVAILABLE', 'The ledger cannot be reached; try again', {
      retryAfterSeconds: 2,
      cause: error,
    });
  }
  const status = statusOf(error);
  const code = CODES[status] ?? (status >= 400 && status < 500 ? 'VALIDATION_FAILED' : 'INTERNAL');
  return new ProblemError(code, code === 'INTERNAL' ? undefined : messageOf(error), { cause: error });
}

/** Nest's exceptions and Fastify's errors both say which status they mean. */
function statusOf(error: unknown): number {
  if (error instanceof HttpException) return error.getStatus();
  const status: unknown = error instanceof Error && 'statusCode' in error ? error.statusCode : undefined;
  return typeof status === 'number' ? status : 500;
}

function messageOf(error: unknown): string | undefined {
  return error instanceof Error ? error.message : undefined;
}

export function sendProblem(error: ProblemError, request: FastifyRequest, reply: FastifyReply): void {
  const problem: Problem = { ...error.toProblem(), instance: request.url.split('?', 1)[0]!, requestId: request.id };
  const { retryAfterSeconds } = error.options;
  if (retryAfterSeconds !== undefined) void reply.header('Retry-After', String(retryAfterSeconds));
  const challenge = challengeOf(error, request);
  if (challenge !== undefined && !reply.hasHeader('WWW-Authenticate')) void reply.header('WWW-Authenticate', challenge);
  void reply.status(error.status).type('application/problem+json; charset=utf-8').send(JSON.stringify(problem));
}

/** What would do in place of the token, or none, that came (RFC 6750, 3). */
function challengeOf({ status, detail, options: { scope } }: ProblemError, { headers }: FastifyRequest) {
  const realm = 'Bearer realm="tidings"';
  // Quotes may not stand within.
  const description = `error_description="${detail.replaceAll('"', "'")}"`;
  if (scope !== undefined) return `${realm}, error="insufficient_scope", ${description}, scope="${scope}"`;
  if (status !== 401) return undefined;
  return headers.authorization === undefined ? realm : `${realm}, error="invalid_token", ${description}`;
}
