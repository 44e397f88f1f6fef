import { STATUS_CODES, type Server } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { v7 as uuidv7 } from 'uuid';
import { ProblemError } from '#contracts';
import { sendProblem, toProblemError } from './problem.filter.ts';
import type { SecurityHeaders } from './security-headers.ts';

/** Fastify's options for what goes wrong before a request comes to a route: that is a problem too. */
export const httpErrors = (secure: SecurityHeaders) => ({
  /** A path that cannot be decoded, or is too long. */
  frameworkErrors: (error: Error, request: FastifyRequest, reply: FastifyReply): void => {
    secure(request.raw, reply.raw);
    sendProblem(frameworkError(error), request, reply);
  },
  /** What is no HTTP: there is no request that could be answered, so the connection is. */
  clientErrorHandler: (error: NodeJS.ErrnoException, socket: Socket): void => {
    if (error.code === 'ECONNRESET' || socket.destroyed) return;
    if (socket.writable) socket.write(answerTo(clientError(error), isHead(error)));
    socket.destroy(error);
  },
});

/** Fastify's own words hold the whole path. */
function frameworkError(error: Error & { code?: string }): ProblemError {
  if (error.code === 'FST_ERR_BAD_URL') return new ProblemError('VALIDATION_FAILED', 'The path cannot be decoded');
  if (error.code === 'FST_ERR_MAX_PARAM_LENGTH')
    return new ProblemError('VALIDATION_FAILED', 'A part of the path is too long');
  return toProblemError(error);
}

/** Whoever asks by HEAD takes no body, whatever else is wrong. */
function isHead(error: NodeJS.ErrnoException): boolean {
  // What Node's parser could not read.
  const { rawPacket } = error as { rawPacket?: Buffer };
  return rawPacket?.toString('latin1', 0, 5) === 'HEAD ';
}

/** What a client expects beside `100-continue` is ignored, as RFC 9110 (10.1.1) allows: Node itself refuses it. */
export function ignoreExpectations(server: Server): void {
  server.on('checkExpectation', (request, response) => server.emit('request', request, response));
}

function clientError({ code }: NodeJS.ErrnoException): ProblemError {
  if (code === 'HPE_HEADER_OVERFLOW') return new ProblemError('HEADERS_TOO_LARGE', 'The headers have more than 16 kB');
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return new ProblemError('REQUEST_TIMEOUT');
  return new ProblemError('VALIDATION_FAILED', 'The request is not valid HTTP');
}

function answerTo(error: ProblemError, withoutBody: boolean): string {
  const body = JSON.stringify({ ...error.toProblem(), requestId: uuidv7() });
  return [
    `HTTP/1.1 ${error.status} ${STATUS_CODES[error.status]}`,
    'Content-Type: application/problem+json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
    '',
    withoutBody ? '' : body,
  ].join('\r\n');
}
