import type { FastifyInstance } from 'fastify';
import { ProblemError } from '#contracts';

/** Largest body of a request, in bytes. */
export const BODY_LIMIT = 100 * 1024;

const CHARSET = /;\s*charset=("?)([^";\s]+)\1/i;

/**
 * Parses JSON bodies (RFC 8259): UTF-8 only, and only what is announced as JSON. An empty
 * body is no body.
 */
export function parseJsonBodies(server: FastifyInstance): void {
  server.removeAllContentTypeParsers();
  const decoder = new TextDecoder('utf-8', { fatal: true });
  server.addContentTypeParser(
    ['application/json', 'application/merge-patch+json'],
    { parseAs: 'buffer' },
    (request, body: Buffer, done) => {
      try {
        refuseCharset(request.headers['content-type'] ?? '');
        done(null, body.length === 0 ? undefined : parse(decoder, body));
      } catch (error) {
        done(error as Error);
      }
    },
  );
}

function refuseCharset(contentType: string): void {
  const charset = CHARSET.exec(contentType)?.[2]?.toLowerCase();
  if (charset !== undefined && charset !== 'utf-8' && charset !== 'utf8') {
    throw new ProblemError('UNSUPPORTED_MEDIA_TYPE', 'Send UTF-8');
  }
}

function parse(decoder: TextDecoder, body: Buffer): unknown {
  let text: string;
  try {
    text = decoder.decode(body);
  } catch (cause) {
    throw new ProblemError('MALFORMED_JSON', 'The body is not valid UTF-8', { cause });
  }
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new ProblemError('MALFORMED_JSON', 'The body is not valid JSON', { cause });
  }
}
