import { gzipSync } from 'node:zlib';
import { SignJWT, UnsecuredJWT } from 'jose';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Problem } from '#contracts';
import { JWT_SECRET, startSystem, type System, type TestUser } from '#testing';

let system: System;
let alice: TestUser;
let pids: ReturnType<System['pids']>;

beforeAll(async () => {
  system = await startSystem({ sockets: 1 });
  alice = await system.user('alice');
  pids = system.pids();
});

// No input ends a process.
afterEach(() => expect(system.pids()).toEqual(pids));

const ID = '01890a5d-ac96-774b-bcce-b302099a8057';
const WRITES = [
  ['POST', '/v1/messages'],
  ['PATCH', `/v1/messages/${ID}`],
  ['DELETE', `/v1/messages/${ID}`],
] as const;
const READS = [
  ['GET', '/v1/messages'],
  ['GET', `/v1/messages/${ID}`],
  ['GET', `/v1/actions/${ID}`],
] as const;

interface Sent {
  headers?: Record<string, string>;
  body?: string | Uint8Array<ArrayBuffer>;
}

/** Sends bytes as they are, as alice unless told otherwise. */
async function send(method: string, path: string, { headers = {}, body }: Sent = {}) {
  const response = await fetch(`${system.api.url}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${alice.token}`,
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body !== undefined && { body }),
    signal: AbortSignal.timeout(5_000),
  });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

/** The answer is a problem (RFC 9457) of this status and code, and gives nothing away. */
async function expectProblem(
  answer: ReturnType<typeof send>,
  status: number,
  code: string,
): Promise<{ problem: Problem; headers: Headers }> {
  const { status: got, headers, text } = await answer;
  expect(`${got} ${headers.get('content-type')} ${text}`).toMatch(
    new RegExp(`^${status} application/problem\\+json(; charset=utf-8)? \\{`),
  );
  const problem = JSON.parse(text) as Problem;
  expect(problem).toMatchObject({
    code,
    status,
    type: `urn:tidings:problem:${code.toLowerCase().replaceAll('_', '-')}`,
    title: expect.any(String) as string,
    detail: expect.any(String) as string,
    requestId: expect.any(String) as string,
  });
  expect(text).not.toMatch(/\bat \S+ \(|node_modules|\.[jt]s:\d/);
  return { problem, headers };
}

function sign(change: (token: SignJWT) => SignJWT, secret = JWT_SECRET, alg = 'HS256'): Promise<string> {
  const token = new SignJWT({})
    .setProtectedHeader({ alg })
    .setSubject('alice')
    .setIssuer('tidings')
    .setAudience('tidings')
    .setIssuedAt()
    .setExpirationTime('1h');
  return change(token).sign(new TextEncoder().encode(secret));
}

const TOKENS: [string, string, () => string | Promise<string>][] = [
  ['that is no JWT', 'UNAUTHENTICATED', () => 'x.y.z'],
  ['that is expired', 'TOKEN_EXPIRED', () => sign((token) => token.setExpirationTime('-1h'))],
  [
    'of algorithm none',
    'UNAUTHENTICATED',
    () => new UnsecuredJWT({ sub: 'alice', iss: 'tidings', aud: 'tidings' }).encode(),
  ],
  ['for another audience', 'UNAUTHENTICATED', () => sign((token) => token.setAudience('others'))],
  ['of another issuer', 'UNAUTHENTICATED', () => sign((token) => token.setIssuer('others'))],
  [
    'signed with another secret',
    'UNAUTHENTICATED',
    () => sign((token) => token, 'another-secret-0123456789-0123456789'),
  ],
  ['signed by another algorithm', 'UNAUTHENTICATED', () => sign((token) => token, JWT_SECRET, 'HS512')],
  ['without a subject', 'UNAUTHENTICATED', () => sign((token) => token.setSubject(''))],
  ['whose subject has a NUL', 'UNAUTHENTICATED', () => sign((token) => token.setSubject('a\0b'))],
  ['that is not valid yet', 'UNAUTHENTICATED', () => sign((token) => token.setNotBefore('1h'))],
];

describe('a request without a good token', () => {
  it.each([...WRITES, ...READS])('is refused with 401 when it has none: %s %s', async (method, path) => {
    const { headers } = await expectProblem(
      send(method, path, { headers: { authorization: '' } }),
      401,
      'UNAUTHENTICATED',
    );
    expect(headers.get('www-authenticate')).toMatch(/^Bearer realm="tidings"/);
  });

  it.each(TOKENS)('is refused with 401 when it has one %s (%s)', async (_, code, make) => {
    const authorization = `Bearer ${await make()}`;
    for (const [method, path] of [...WRITES, ...READS]) {
      const { headers } = await expectProblem(send(method, path, { headers: { authorization } }), 401, code);
      expect(headers.get('www-authenticate')).toMatch(/^Bearer realm="tidings", error="invalid_token"/);
    }
  });

  it.each(['Basic YWxpY2U6cHc=', 'Bearer', 'Bearer a b', 'bearer\tx'])(
    'is refused with 401: %j',
    async (authorization) => {
      await expectProblem(send('GET', '/v1/messages', { headers: { authorization } }), 401, 'UNAUTHENTICATED');
    },
  );

  it('is not helped by a token in the URL', async () => {
    const answer = send('GET', `/v1/messages?token=${alice.token}`, { headers: { authorization: '' } });
    await expectProblem(answer, 401, 'UNAUTHENTICATED');
  });
});

/** `[[[…]]]` */
const nested = (depth: number): string => `${'['.repeat(depth)}${']'.repeat(depth)}`;
/** `{"text":{"a":{"a":…}}}` */
const nestedObjects = (depth: number): string => `{"text":${'{"a":'.repeat(depth - 1)}1${'}'.repeat(depth)}`;

const BODIES: [string, number, string, Sent][] = [
  ['is not JSON', 400, 'MALFORMED_JSON', { body: '{"text":' }],
  ['is JSON with a comment', 400, 'MALFORMED_JSON', { body: '{"text":"a"} // yes' }],
  ['is not UTF-8', 400, 'MALFORMED_JSON', { body: Uint8Array.of(0x22, 0xff, 0xfe, 0x22) }],
  [
    'is of another charset',
    415,
    'UNSUPPORTED_MEDIA_TYPE',
    { body: '{"text":"a"}', headers: { 'content-type': 'application/json; charset=iso-8859-1' } },
  ],
  [
    'is a form',
    415,
    'UNSUPPORTED_MEDIA_TYPE',
    { body: 'text=a', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
  ],
  ['is plain text', 415, 'UNSUPPORTED_MEDIA_TYPE', { body: '{"text":"a"}', headers: { 'content-type': 'text/plain' } }],
  [
    'is of no type at all',
    415,
    'UNSUPPORTED_MEDIA_TYPE',
    { body: '{"text":"a"}', headers: { 'content-type': 'nonsense' } },
  ],
  ['is larger than 100 kB', 413, 'PAYLOAD_TOO_LARGE', { body: JSON.stringify({ text: 'a'.repeat(110_000) }) }],
  [
    'is of an unknown coding',
    415,
    'UNSUPPORTED_MEDIA_TYPE',
    { body: '{"text":"a"}', headers: { 'content-encoding': 'br' } },
  ],
  [
    'is not the gzip it claims to be',
    400,
    'MALFORMED_JSON',
    { body: '{"text":"a"}', headers: { 'content-encoding': 'gzip' } },
  ],
  [
    'is a gzip bomb',
    413,
    'PAYLOAD_TOO_LARGE',
    { body: new Uint8Array(gzipSync(Buffer.alloc(20_000_000, '['))), headers: { 'content-encoding': 'gzip' } },
  ],
  ['is nested 33 levels deep', 400, 'TOO_DEEP', { body: nested(33) }],
  ['is nested 33 objects deep', 400, 'TOO_DEEP', { body: nestedObjects(33) }],
  ['is nested 50 000 levels deep', 400, 'TOO_DEEP', { body: nested(50_000) }],
  ['is nested 100 000 levels deep', 413, 'PAYLOAD_TOO_LARGE', { body: nested(100_000) }],
  ['is an array', 400, 'VALIDATION_FAILED', { body: '[{"text":"a"}]' }],
  ['is a string', 400, 'VALIDATION_FAILED', { body: '"text"' }],
  ['is a number', 400, 'VALIDATION_FAILED', { body: '5' }],
  ['is true', 400, 'VALIDATION_FAILED', { body: 'true' }],
  ['has the key __proto__', 400, 'VALIDATION_FAILED', { body: '{"text":"a","__proto__":{"text":"b"}}' }],
  ['has the key constructor', 400, 'VALIDATION_FAILED', { body: '{"text":"a","constructor":{"prototype":{}}}' }],
  ['has the key toString', 400, 'VALIDATION_FAILED', { body: '{"text":"a","toString":"b"}' }],
  ['has an unknown field', 400, 'VALIDATION_FAILED', { body: '{"text":"a","author":"bob"}' }],
];

describe('a body', () => {
  const cases = WRITES.flatMap(([method, path]) => BODIES.map((rest) => [method, path, ...rest] as const));

  it.each(cases)('sent by %s %s that %s is refused with %i %s', async (method, path, _, status, code, sent) => {
    await expectProblem(send(method, path, sent), status, code);
  });

  const FIELDS: [string, string, string][] = [
    ['misses the text', '{}', '/text'],
    ['is null', 'null', ''],
    ['has an empty text', '{"text":""}', '/text'],
    ['has a number for a text', '{"text":5}', '/text'],
    ['has null for a text', '{"text":null}', '/text'],
    ['has an array for a text', '{"text":["a"]}', '/text'],
    ['has an object for a text', '{"text":{"a":1}}', '/text'],
    ['has a text of 4001 characters', JSON.stringify({ text: '😀'.repeat(4_001) }), '/text'],
    ['has a NUL in the text', '{"text":"a\\u0000b"}', '/text'],
    ['has a lone surrogate in the text', '{"text":"a\\ud800b"}', '/text'],
    ['has an unknown field', '{"text":"a","version":7}', '/version'],
    ['has an unknown field with a pointer to escape', '{"text":"a","a/b~c":7}', '/a~1b~0c'],
  ];

  it.each(WRITES.slice(0, 2).flatMap(([method, path]) => FIELDS.map((rest) => [method, path, ...rest] as const)))(
    'sent by %s %s that %s is refused with a pointer to it',
    async (method, path, _, body, pointer) => {
      const { problem } = await expectProblem(send(method, path, { body }), 400, 'VALIDATION_FAILED');
      expect(problem.errors).toContainEqual({
        pointer,
        code: expect.stringMatching(/^[A-Z_]+$/) as string,
        detail: expect.any(String) as string,
      });
    },
  );

  it.each(['5', 'null', '"x"', '""', '{}', '"01890a5d-ac96-774b-bcce-b302099a805"'])(
    'that chooses the id %s is refused',
    async (id) => {
      const { problem } = await expectProblem(
        send('POST', '/v1/messages', { body: `{"id":${id},"text":"a"}` }),
        400,
        'VALIDATION_FAILED',
      );
      expect(problem.errors?.map(({ pointer }) => pointer)).toEqual(['/id']);
    },
  );

  it.each([
    ['with the longest text, of any characters', {}, (text: string) => text],
    ['gzipped', { 'content-encoding': 'gzip' }, (text: string) => new Uint8Array(gzipSync(text))],
    ['of a charset that says UTF-8', { 'content-type': 'application/json; charset="UTF-8"' }, (text: string) => text],
  ])('%s is accepted', async (_, headers, encode) => {
    const body = encode(JSON.stringify({ text: '😀'.repeat(4_000) }));
    expect((await send('POST', '/v1/messages', { body, headers })).status).toBe(202);
  });
});

it('a body with very many faults is not answered by a larger one', async () => {
  const fields = Object.fromEntries(Array.from({ length: 5_000 }, (_, index) => [`f${index}`, index]));
  const { problem } = await expectProblem(
    send('POST', '/v1/messages', { body: JSON.stringify(fields) }),
    400,
    'VALIDATION_FAILED',
  );
  expect(problem.errors).toHaveLength(50);
  expect(problem.detail).toMatch(/\(and 5000 more\)$/);
});

describe('a route', () => {
  it.each([
    '/',
    '/v1',
    '/v1/',
    '/v1/nope',
    '/v1/messages/x/y',
    '/v2/messages',
    '/%2e%2e/etc/passwd',
    '/v1/messages%00',
  ])('that does not exist is answered 404: POST %s', async (path) => {
    await expectProblem(send('POST', path, { body: '{}' }), 404, 'NOT_FOUND');
  });

  it.each(['/v1/%', '/v1/messages/%E0%A4%A', '/v1/messages/%ff'])(
    'that cannot be decoded is answered 400 or 404: %s',
    async (path) => {
      const { status, text } = await send('GET', path);
      expect([400, 404]).toContain(status);
      expect(JSON.parse(text)).toMatchObject({ status, code: expect.any(String) as string });
    },
  );

  it.each([
    ['PUT', '/v1/messages', ['GET', 'POST']],
    ['DELETE', '/v1/messages', ['GET', 'POST']],
    ['PATCH', '/v1/messages', ['GET', 'POST']],
    ['POST', `/v1/messages/${ID}`, ['GET', 'PATCH', 'DELETE']],
    ['PUT', `/v1/messages/${ID}`, ['GET', 'PATCH', 'DELETE']],
    ['PATCH', `/v1/actions/${ID}`, ['GET']],
    ['POST', '/livez', ['GET']],
  ])('with another method is answered 405 with Allow: %s %s', async (method, path, allowed) => {
    const { headers } = await expectProblem(send(method, path, { body: '{}' }), 405, 'METHOD_NOT_ALLOWED');
    expect(headers.get('allow')!.split(', ')).toEqual(expect.arrayContaining(allowed));
    expect(headers.get('allow')).not.toContain(method);
  });

  it.each([
    `/v1/messages/${ID}`,
    `/v1/actions/${ID}`,
    '/v1/messages/xyz',
    '/v1/actions/xyz',
    '/v1/messages/__proto__',
    `/v1/messages/${'a'.repeat(150)}`,
  ])('that reads an unknown id is answered 404: %s', async (path) => {
    await expectProblem(send('GET', path), 404, 'NOT_FOUND');
  });

  it.each(['PATCH', 'DELETE'])('that changes an id which is no UUID is answered 400: %s', async (method) => {
    const body = method === 'PATCH' ? { body: '{"text":"a"}' } : {};
    const { problem } = await expectProblem(send(method, '/v1/messages/xyz', body), 400, 'VALIDATION_FAILED');
    expect(problem.errors).toMatchObject([{ pointer: '#path/id' }]);
  });
});

describe('a query', () => {
  it.each([
    ['limit=501', '/limit'],
    ['limit=0', '/limit'],
    ['limit=-1', '/limit'],
    ['limit=1.5', '/limit'],
    ['limit=1e2', '/limit'],
    ['limit=', '/limit'],
    ['limit=abc', '/limit'],
    ['limit=1&limit=2', '/limit'],
    ['limit=99999999999999999999', '/limit'],
    ['nope=1', '/nope'],
    ['after=1&after=2', '/after'],
    [`after=${'a'.repeat(3_000)}`, '/after'],
  ])('of ?%.40s is refused with a pointer to it', async (query, pointer) => {
    const { problem } = await expectProblem(send('GET', `/v1/messages?${query}`), 400, 'VALIDATION_FAILED');
    expect(problem.errors?.map((item) => item.pointer.replace('#query', ''))).toContain(pointer);
  });

  it.each(['__proto__=1', 'constructor=1', 'toString=1', 'limit[a]=1', 'after=%00', '%00=1'])(
    'of ?%s is refused',
    async (query) => {
      const { status } = await send('GET', `/v1/messages?${query}`);
      expect(status).toBe(400);
    },
  );

  it.each([
    'x',
    '0',
    'bm9uc2Vuc2U',
    btoa('2026-01-01T00:00:00.000Z nope'),
    btoa('999999-01-01 01890a5d-ac96-774b-bcce-b302099a8057'),
  ])('with the bad cursor %s is refused as CURSOR_INVALID', async (after) => {
    await expectProblem(send('GET', `/v1/messages?after=${encodeURIComponent(after)}`), 400, 'CURSOR_INVALID');
  });
});

describe('a header', () => {
  const EDITS = WRITES.slice(1);

  it.each(
    EDITS.flatMap(([method, path]) =>
      ['W/"1"', '*', '"1", "2"', '"x"', '"', '-1', '"1.0"', '9'.repeat(30)].map((value) => [method, path, value]),
    ),
  )('If-Match is refused when it is not one strong version: %s %s %s', async (method, path, value) => {
    const { problem } = await expectProblem(
      send(method, path, { headers: { 'if-match': value }, ...(method === 'PATCH' && { body: '{"text":"a"}' }) }),
      400,
      'VALIDATION_FAILED',
    );
    expect(problem.errors).toMatchObject([{ pointer: '#header/If-Match' }]);
  });

  it.each(
    WRITES.flatMap(([method, path]) =>
      ['short', '"short"', 'x'.repeat(256), 'schlüssel-8', '        '].map((value) => [method, path, value]),
    ),
  )(
    'Idempotency-Key is refused when it is not 8 to 255 printable characters: %s %s %.20s',
    async (method, path, value) => {
      const { problem } = await expectProblem(
        send(method, path, {
          headers: { 'idempotency-key': value },
          ...(method !== 'DELETE' && { body: '{"text":"a"}' }),
        }),
        400,
        'VALIDATION_FAILED',
      );
      expect(problem.errors).toMatchObject([{ pointer: '#header/Idempotency-Key' }]);
    },
  );

  it('traceparent that is malformed is ignored', async () => {
    const { status } = await send('POST', '/v1/messages', {
      body: '{"text":"a"}',
      headers: { traceparent: 'nonsense' },
    });
    expect(status).toBe(202);
  });
});

describe('an Idempotency-Key', () => {
  it('that was used for another request is refused with 422', async () => {
    const headers = { 'idempotency-key': `key-${Date.now()}` };
    expect((await send('POST', '/v1/messages', { body: '{"text":"a"}', headers })).status).toBe(202);
    await expectProblem(send('POST', '/v1/messages', { body: '{"text":"b"}', headers }), 422, 'IDEMPOTENCY_KEY_REUSED');
  });
});
