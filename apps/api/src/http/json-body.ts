import { isUtf8 } from 'node:buffer';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { ProblemError } from '#contracts';
import type { CountedRequest } from '#http';
import { hasTooManyValues, MOST_VALUES } from './json-size.ts';

/** Largest body of a request, in bytes. */
const BODY_LIMIT = 100 * 1024;

/** Largest body of a batch, and so of anything, in bytes. */
export const BATCH_BODY_LIMIT = 8 * 1024 * 1024;

const BATCH_ROUTE = '/v1/actions/batch';

const CHARSET = /;\s*charset=("?)([^";\s]+)\1/i;

const decompress = promisify(gunzip);

/**
 * Parses JSON bodies (RFC 8259): UTF-8 only, gzipped or not, and only what is announced as
 * JSON. An empty body is no body.
 */
export function parseJsonBodies(server: FastifyInstance): void {
  server.removeAllContentTypeParsers();
  // What announces itself as too large is not read at all.
  server.addHook('onRequest', (request, _reply, done) => {
    const limit = limitOf(request);
    done(Number(request.headers['content-length'] ?? 0) > limit ? tooLarge(limit) : undefined);
  });
  server.addContentTypeParser(
    ['application/json', 'application/merge-patch+json'],
    { parseAs: 'buffer' },
    async (request: CountedRequest, sent: Buffer) => {
      refuseCharset(request.headers['content-type'] ?? '');
      const limit = limitOf(request);
      if (sent.length > limit) throw tooLarge(limit);
      const body = await decoded(request, sent, limit);
      await request.countBytes?.(body.length);
      return body.length === 0 ? undefined : parse(body);
    },
  );
}

function limitOf({ routeOptions }: FastifyRequest): number {
  return routeOptions.url === BATCH_ROUTE ? BATCH_BODY_LIMIT : BODY_LIMIT;
}

function tooLarge(limit: number): ProblemError {
  return new ProblemError('PAYLOAD_TOO_LARGE', `The body has more than ${limit} bytes`);
}

function refuseCharset(contentType: string): void {
  const charset = CHARSET.exec(contentType)?.[2]?.toLowerCase();
  if (charset !== undefined && charset !== 'utf-8' && charset !== 'utf8') {
    throw new ProblemError('UNSUPPORTED_MEDIA_TYPE', 'Send UTF-8');
  }
}

/** The body without its content coding (RFC 9110, 8.4); the limit holds for what comes out too. */
async function decoded({ headers }: FastifyRequest, body: Buffer, limit: number): Promise<Buffer> {
  const coding = headers['content-encoding']?.toLowerCase() ?? 'identity';
  if (coding === 'identity') return body;
  if (coding !== 'gzip') throw new ProblemError('UNSUPPORTED_MEDIA_TYPE', 'Send the body as it is, or gzipped');
  try {
    return await decompress(body, { maxOutputLength: limit });
  } catch (cause) {
    const isTooLarge = cause instanceof Error && 'code' in cause && cause.code === 'ERR_BUFFER_TOO_LARGE';
    if (isTooLarge) throw tooLarge(limit);
    throw new ProblemError('MALFORMED_JSON', 'The body is not valid gzip', { cause });
  }
}

const BYTE_ORDER_MARK = 0xfeff;

function parse(body: Buffer): unknown {
  if (!isUtf8(body)) throw new ProblemError('MALFORMED_JSON', 'The body is not valid UTF-8');
  if (hasTooManyValues(body))
    throw new ProblemError('PAYLOAD_TOO_LARGE', `The body has more than ${MOST_VALUES} values`);
  const text = body.toString();
  try {
    return JSON.parse(text.charCodeAt(0) === BYTE_ORDER_MARK ? text.slice(1) : text) as unknown;
  } catch (cause) {
    throw new ProblemError('MALFORMED_JSON', 'The body is not valid JSON', { cause });
  }
}
