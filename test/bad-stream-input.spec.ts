import { connect as connectTcp } from 'node:net';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { decodeCursor, encodeCursor } from '#contracts';
import { problemOf, startSystem, type System, type TestUser } from '#testing';
import { nested } from './bad-input/bodies.ts';
import { BAD_TOKENS } from './bad-input/tokens.ts';
import { EventStream } from './delivery/event-stream.ts';

let system: System;
let url: string;
let alice: TestUser;

beforeAll(async () => {
  system = await startSystem({ sockets: 1 });
  url = `${system.sockets[0]!.url}/v1/outcomes/stream`;
  alice = await system.user('alice');
});

afterEach(() => system.assertUnharmed());

const as = (authorization: string): RequestInit => ({ headers: { authorization }, signal: AbortSignal.timeout(5_000) });

describe('an event stream is refused with 401', () => {
  it.each(['', 'Bearer', 'Bearer a b', 'bearer\tx', 'Basic YWxpY2U6cHc='])('to "%s"', async (authorization) => {
    const refused = await problemOf(fetch(url, as(authorization)));
    expect(refused).toMatchObject({ status: 401, code: 'UNAUTHENTICATED' });
    expect(refused.headers.get('www-authenticate')).toMatch(/^Bearer realm="tidings"/);
  });

  it.each(BAD_TOKENS)('to a token %s (%s)', async (_, code, token) => {
    const refused = await problemOf(fetch(url, as(`Bearer ${token}`)));
    expect(refused).toMatchObject({ status: 401, code });
    expect(refused.headers.get('www-authenticate')).toMatch(/error="invalid_token"/);
  });

  it('to a token in the URL', async () => {
    const refused = await problemOf(fetch(`${url}?token=${alice.token}&access_token=${alice.token}`));
    expect(refused).toMatchObject({ status: 401, code: 'UNAUTHENTICATED' });
  });
});

describe('an event stream from a cursor', () => {
  it.each(['x', '-1', '☃', '__proto__', 'bm9uc2Vuc2U', nested(1_000), 'x'.repeat(3_000)])(
    'that is none, %.20s, says so, and tells what happens from now on',
    async (after) => {
      await alice.createMessage('before');
      const stream = await EventStream.open(system.sockets[0]!, { token: alice.token, after });
      expect(stream.session).toMatchObject({ recovered: false, reasons: { 'user:alice': 'CURSOR_INVALID' } });
      stream.close();
    },
  );

  it('that is forged says why it is not honoured, whether it comes by the header or the query', async () => {
    const { cursor } = await alice.createMessage('one');
    const good = decodeCursor(cursor)!;
    const cases = {
      CURSOR_FUTURE: { ...good, offset: good.offset + 1_000 },
      CURSOR_EPOCH: { ...good, offset: 0, check: 'ffffffffffff' },
      CURSOR_INVALID: { ...good, channel: 'user:bob' },
    };
    for (const [reason, forged] of Object.entries(cases)) {
      for (const place of ['lastEventId', 'after']) {
        const stream = await EventStream.open(system.sockets[0]!, {
          token: alice.token,
          [place]: encodeCursor(forged),
        });
        expect(stream.session).toMatchObject({ recovered: false, reasons: { [forged.channel]: reason } });
        stream.close();
      }
    }
  });

  it('given twice is none', async () => {
    const answer = await fetch(`${url}?after=0&after=0`, as(`Bearer ${alice.token}`));
    const reader = answer.body!.getReader();
    expect(new TextDecoder().decode((await reader.read()).value)).toContain('CURSOR_INVALID');
    await reader.cancel();
  });
});

describe('beside the event stream', () => {
  it.each(['POST', 'PUT', 'PATCH', 'DELETE'])('%s is answered 405 with Allow', async (method) => {
    const refused = await problemOf(fetch(url, { method, ...as(`Bearer ${alice.token}`) }));
    expect(refused).toMatchObject({ status: 405, code: 'METHOD_NOT_ALLOWED' });
    expect(refused.headers.get('allow')).toContain('GET');
  });

  it('HEAD is answered, and does not hear', async () => {
    const answer = await fetch(url, { method: 'HEAD', ...as(`Bearer ${alice.token}`) });
    expect(answer.status).toBe(200);
    expect(await answer.text()).toBe('');
  });

  it.each(['/v1/outcomes/streams', '/v1/outcomes', '/v1/messages', '/%2e%2e/etc/passwd'])(
    '%s is answered 404',
    async (path) => {
      const refused = await problemOf(fetch(new URL(path, url), as(`Bearer ${alice.token}`)));
      expect(refused).toMatchObject({ status: 404, code: 'NOT_FOUND' });
    },
  );

  it.each(['/v1/%', '/%ff', '/v1/outcomes/stream%00'])('%s is answered 400 or 404', async (path) => {
    expect([400, 404]).toContain((await problemOf(fetch(`${new URL(url).origin}${path}`))).status);
  });
});

describe.each(['api', 'socket'])('the %s', (app) => {
  it.each([
    ['nonsense\r\n\r\n', 400, 'VALIDATION_FAILED'],
    ['GET /livez HTTP/9.9\r\nHost: a\r\n\r\n', 400, 'VALIDATION_FAILED'],
    ['GET /livez HTTP/1.1\r\nHost: a\r\nA\0: b\r\n\r\n', 400, 'VALIDATION_FAILED'],
    ['POST /livez HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n', 400, 'VALIDATION_FAILED'],
    [
      'POST /livez HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
      400,
      'VALIDATION_FAILED',
    ],
    [`GET /livez?${'a'.repeat(20_000)} HTTP/1.1\r\nHost: a\r\n\r\n`, 431, 'HEADERS_TOO_LARGE'],
    [`GET /livez HTTP/1.1\r\nHost: a\r\nA: ${'a'.repeat(20_000)}\r\n\r\n`, 431, 'HEADERS_TOO_LARGE'],
  ])('answers what is no HTTP with a problem: %.40j', async (sent, status, code) => {
    const { url: origin } = app === 'api' ? system.api : system.sockets[0]!;
    const answer = await answerToBytes(origin, sent);
    const [head, body] = answer.split('\r\n\r\n') as [string, string];
    expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(head).toContain('application/problem+json');
    expect(JSON.parse(body)).toMatchObject({
      status,
      code,
      requestId: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
    });
  });

  it('sends no body to who asks by HEAD', async () => {
    const { url: origin } = app === 'api' ? system.api : system.sockets[0]!;
    const answer = await answerToBytes(origin, 'HEAD /livez HTTP/1.1\r\nHost: a\r\nA\0: b\r\n\r\n');
    expect(answer).toMatch(/^HTTP\/1.1 400 [\s\S]*\r\n\r\n$/);
  });
});

function answerToBytes(origin: string, sent: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(origin);
    let answer = '';
    const socket = connectTcp(Number(port), hostname, () => socket.write(sent));
    socket.setTimeout(5_000, () => socket.destroy(new Error('nothing was answered')));
    socket.on('data', (chunk) => (answer += String(chunk)));
    socket.once('error', (error) => (answer === '' ? reject(error) : resolve(answer)));
    socket.once('close', () => resolve(answer));
  });
}
