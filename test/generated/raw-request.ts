import { Agent, request as open, type IncomingMessage } from 'node:http';

/** A request that may be wrong in every part; `fetch` would refuse or mend much of it. */
export interface RawRequest {
  method: string;
  /** With the query, as it is sent. */
  path: string;
  /** Latin-1 text: bytes as they are sent. */
  headers: readonly (readonly [name: string, value: string])[];
  body?: Uint8Array | string;
}

/** How long an answer may take until it counts as none, in milliseconds. */
const SILENCE_MS = 10_000;

const BODILESS = new Set([204, 205, 304]);

const agent = new Agent({ keepAlive: true, maxSockets: 8 });

/** @throws {Error} when no answer comes within 10 seconds */
export function sendRaw(url: string, { method, path, headers, body }: RawRequest): Promise<Response> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    const bytes = body === undefined ? undefined : Buffer.from(body);
    const length = bytes ? ['content-length', String(bytes.length)] : [];
    const sent = open({
      ...{ hostname, port, method, path, agent },
      headers: ['host', `${hostname}:${port}`, ...headers.flat(), ...length],
      signal: AbortSignal.timeout(SILENCE_MS),
    });
    sent.once('error', (cause) => reject(new Error(`${method} ${path} was not answered`, { cause })));
    sent.once('response', (answer) => {
      // A stream has no end: its beginning is the answer.
      if (method !== 'HEAD' && answer.headers['content-type']?.startsWith('text/event-stream')) {
        answer.once('error', () => undefined);
        answer.once('data', (chunk: Buffer) => {
          resolve(responseOf(answer, chunk));
          answer.destroy();
        });
        return;
      }
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.once('error', reject);
      answer.once('end', () => resolve(responseOf(answer, Buffer.concat(chunks))));
    });
    sent.end(bytes);
  });
}

function responseOf({ statusCode: status = 0, headersDistinct }: IncomingMessage, body: Buffer): Response {
  const headers = Object.entries(headersDistinct).flatMap(([name, values = []]) =>
    values.map((value): [string, string] => [name, value]),
  );
  return new Response(BODILESS.has(status) ? null : new Uint8Array(body), { status, headers });
}
