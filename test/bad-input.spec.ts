import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { decodeCursor, encodeCursor, type AcceptedAction, type Action, type Problem } from '#contracts';
import { problemOf, startSystem, type System, type TestUser } from '#testing';
import { BAD_BODIES, BAD_MESSAGES, GOOD_MESSAGES, gzipped, nested, type Sent } from './bad-input/bodies.ts';
import { BAD_TOKENS } from './bad-input/tokens.ts';
import { sendRaw } from './generated/raw-request.ts';

let system: System;
let alice: TestUser;
let operator: TestUser;

beforeAll(async () => {
  system = await startSystem({ sockets: 0 });
  alice = await system.user('alice');
  operator = await system.user('operator', { scopes: ['ops'] });
});

// No input ends a process.
afterEach(() => system.assertUnharmed());

const ID = '01890a5d-ac96-774b-bcce-b302099a8057';
const WRITES: [method: string, path: string][] = [
  ['POST', '/v1/messages'],
  ['PATCH', `/v1/messages/${ID}`],
  ['DELETE', `/v1/messages/${ID}`],
];
const ROUTES: [method: string, path: string][] = [
  ...WRITES,
  ['GET', '/v1/messages'],
  ['GET', `/v1/messages/${ID}`],
  ['POST', '/v1/actions/batch'],
  ['GET', '/v1/actions'],
  ['GET', `/v1/actions/${ID}`],
  ['DELETE', `/v1/actions/${ID}`],
  ['GET', '/v1/outcomes'],
  ['GET', '/v1/outcomes/unread'],
  ['POST', '/v1/revocations'],
];

/** Sends bytes as they are, as alice unless told otherwise. */
function send(method: string, path: string, { headers = {}, body, ...more }: Sent = {}): Promise<Response> {
  return fetch(`${system.api.url}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${alice.token}`,
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body !== undefined && { body }),
    ...more,
    signal: AbortSignal.timeout(5_000),
  });
}

describe('a request without a good token is refused with 401:', () => {
  it.each(ROUTES)('%s %s with none', async (method, path) => {
    const refused = await problemOf(send(method, path, { headers: { authorization: '' } }));
    expect(refused).toMatchObject({ status: 401, code: 'UNAUTHENTICATED' });
    expect(refused.headers.get('www-authenticate')).toMatch(/^Bearer realm="tidings"/);
  });

  it.each(BAD_TOKENS)('with one %s (%s)', async (_, code, token) => {
    for (const [method, path] of ROUTES) {
      const refused = await problemOf(send(method, path, { headers: { authorization: `Bearer ${token}` } }));
      expect(refused).toMatchObject({ status: 401, code });
      expect(refused.headers.get('www-authenticate')).toMatch(/^Bearer realm="tidings", error="invalid_token"/);
    }
  });

  it.each(['Basic YWxpY2U6cHc=', 'Bearer', 'Bearer a b', 'bearer\tx'])('with "%s"', async (authorization) => {
    const refused = await problemOf(send('GET', '/v1/messages', { headers: { authorization } }));
    expect(refused).toMatchObject({ status: 401, code: 'UNAUTHENTICATED' });
    expect(refused.headers.get('www-authenticate')).toMatch(/, error="invalid_token", error_description="[^"]+"$/);
  });

  it.each([
    ['is not JSON', { body: '{"actions":[' }],
    ['is a gzip bomb', gzipped(Buffer.alloc(20_000_000, '['))],
    ['comes in chunks', { body: new Blob(['{']).stream(), duplex: 'half' as const }],
  ])('before a body is read that %s', async (_, sent) => {
    const authorization = { authorization: '', ...('headers' in sent && sent.headers) };
    const refused = await problemOf(send('POST', '/v1/actions/batch', { ...sent, headers: authorization }));
    expect(refused).toMatchObject({ status: 401, code: 'UNAUTHENTICATED' });
  });

  it('with a token in the URL', async () => {
    const answer = send('GET', `/v1/messages?token=${alice.token}`, { headers: { authorization: '' } });
    expect(await problemOf(answer)).toMatchObject({ status: 401, code: 'UNAUTHENTICATED' });
  });
});

describe.each(WRITES)('a body sent by %s %s is refused when it', (method, path) => {
  it.each(BAD_BODIES)('%s (%i %s)', async (_, status, code, sent) => {
    expect(await problemOf(send(method, path, sent))).toMatchObject({ status, code });
  });
});

describe.each(WRITES.slice(0, 2))('a body sent by %s %s is refused with a pointer when it', (method, path) => {
  it.each(BAD_MESSAGES)('%s', async (_, body, pointer) => {
    const refused = await problemOf(send(method, path, { body }));
    expect(refused).toMatchObject({ status: 400, code: 'VALIDATION_FAILED' });
    expect(refused.errors).toContainEqual({
      pointer,
      code: expect.stringMatching(/^[A-Z_]+$/) as string,
      detail: expect.any(String) as string,
    });
  });
});

describe('a create', () => {
  it.each(['5', 'null', '"x"', '""', '{}', '"01890a5d-ac96-774b-bcce-b302099a805"'])(
    'that chooses the id %s is refused',
    async (id) => {
      const refused = await problemOf(send('POST', '/v1/messages', { body: `{"id":${id},"text":"a"}` }));
      expect(refused).toMatchObject({ code: 'VALIDATION_FAILED', errors: [{ pointer: '/id' }] });
    },
  );

  it('that chooses any UUID as id, of no version that there is, can be referred to by it', async () => {
    const id = '11111111-1111-1111-1111-111111111111';
    await alice.submit('POST', '/v1/rooms', { body: { id, name: 'a' } });
    const message = { body: { text: 'a', roomId: id }, headers: { prefer: 'wait=10' } };
    expect((await alice.call('POST', '/v1/messages', message)).body).toMatchObject({ status: 'succeeded' });
    const { body } = await alice.call<{ data: Action[] }>('GET', `/v1/actions?resourceId=${id}`);
    expect(body.data.map(({ type }) => type)).toEqual(['rooms.create']);
  });

  it('with very many faults is not answered by more than it sent', async () => {
    const fields = Object.fromEntries(Array.from({ length: 5_000 }, (_, index) => [`f${index}`, index]));
    const refused = await problemOf(send('POST', '/v1/messages', { body: JSON.stringify(fields) }));
    expect(refused.errors).toHaveLength(50);
    expect(refused.detail).toMatch(/\(and 5000 more\)$/);
  });

  it.each(GOOD_MESSAGES)('%s is accepted', async (_, sent) => {
    expect((await send('POST', '/v1/messages', sent)).status).toBe(202);
  });

  it.each([
    ['traceparent', 'nonsense'],
    ['prefer', 'wait=soon'],
    ['prefer', 'wait=-1, nonsense'],
  ])('is accepted with a malformed %s, which is ignored: %s', async (name, value) => {
    expect((await send('POST', '/v1/messages', { body: '{"text":"a"}', headers: { [name]: value } })).status).toBe(202);
  });

  it.each(['wait=30', 'wait=31', 'wait=999999999', 'wait=9999999999', `wait=${'9'.repeat(400)}`])(
    'waits for 30 seconds at most: %.20s',
    async (prefer) => {
      const answer = await send('POST', '/v1/messages', { body: '{"text":"a"}', headers: { prefer } });
      expect(answer.headers.get('preference-applied')).toBe('wait=30');
    },
  );
});

describe('a batch', () => {
  it.each([
    ['{}', 400, 'VALIDATION_FAILED'],
    ['[]', 400, 'VALIDATION_FAILED'],
    ['null', 400, 'VALIDATION_FAILED'],
    ['{"actions":{}}', 400, 'VALIDATION_FAILED'],
    ['{"actions":[]}', 400, 'VALIDATION_FAILED'],
    ['{"actions":[1],"more":1}', 400, 'VALIDATION_FAILED'],
    ['{"actions":[1],"__proto__":1}', 400, 'VALIDATION_FAILED'],
    [JSON.stringify({ actions: Array.from({ length: 1_001 }, () => 1) }), 400, 'VALIDATION_FAILED'],
    [`{"actions":"${'a'.repeat(8_500_000)}"}`, 413, 'PAYLOAD_TOO_LARGE'],
    [`{"actions":[[${'{},'.repeat(100_000)}{}]]}`, 413, 'PAYLOAD_TOO_LARGE'],
  ])('is refused as a whole: %.30s', async (body, status, code) => {
    expect(await problemOf(send('POST', '/v1/actions/batch', { body }))).toMatchObject({ status, code });
  });

  it('is refused with an Idempotency-Key of its own: each of its actions may have one', async () => {
    const body = '{"actions":[{"type":"messages.create","payload":{"text":"a"}}]}';
    const headers = { 'idempotency-key': 'key-of-a-batch' };
    const refused = await problemOf(send('POST', '/v1/actions/batch', { body, headers }));
    expect(refused).toMatchObject({ code: 'VALIDATION_FAILED', errors: [{ pointer: '#header/Idempotency-Key' }] });
    expect(refused.detail).toContain('idempotencyKey');
  });

  it('of 1000 large actions is taken: a value is counted, not what its texts hold', async () => {
    const text = ',[{'.repeat(1_300);
    const action = { type: 'messages.create', payload: { text } };
    const actions = Array.from({ length: 1_000 }, (_, index) => ({ ...action, idempotencyKey: `key-large-${index}` }));
    const answer = await send('POST', '/v1/actions/batch', { body: JSON.stringify({ actions }) });
    const { results } = (await answer.json()) as { results: { problem?: Problem }[] };
    expect(answer.status).toBe(202);
    expect(results.flatMap(({ problem }) => problem ?? [])).toEqual([]);
  });

  it('answers each of its actions for itself, in order', async () => {
    const good = '{"type":"messages.create","payload":{"text":"a"}}';
    const bad: [item: string, code: string][] = [
      ['null', 'VALIDATION_FAILED'],
      ['[]', 'VALIDATION_FAILED'],
      ['{}', 'VALIDATION_FAILED'],
      ['{"type":5,"payload":{"text":"a"}}', 'VALIDATION_FAILED'],
      ['{"type":"nope.create","payload":{"text":"a"}}', 'VALIDATION_FAILED'],
      ['{"type":"constructor","payload":{"text":"a"}}', 'VALIDATION_FAILED'],
      ['{"type":"messages.create"}', 'VALIDATION_FAILED'],
      ['{"type":"messages.create","payload":{"text":5}}', 'VALIDATION_FAILED'],
      ['{"type":"messages.create","payload":{"text":"a"},"owner":"bob"}', 'VALIDATION_FAILED'],
      ['{"type":"messages.create","payload":{"text":"a"},"__proto__":{}}', 'VALIDATION_FAILED'],
      ['{"type":"messages.create","payload":{"text":"a"},"resourceId":"x"}', 'VALIDATION_FAILED'],
      ['{"type":"messages.create","payload":{"text":"a"},"idempotencyKey":"short"}', 'VALIDATION_FAILED'],
      ['{"type":"messages.edit","payload":{"text":"a"}}', 'VALIDATION_FAILED'],
      [`{"type":"messages.edit","resourceId":"${ID}","payload":{"text":"a"},"ifMatch":"W/1"}`, 'VALIDATION_FAILED'],
      [`{"type":"messages.delete","resourceId":"${ID}","payload":{"text":"a"}}`, 'VALIDATION_FAILED'],
      [`{"type":"messages.create","payload":${nested(40)}}`, 'TOO_DEEP'],
      [`{"type":"messages.create","payload":${nested(50_000)}}`, 'TOO_DEEP'],
    ];
    const body = `{"actions":[${bad.flatMap(([item]) => [item, good]).join()}]}`;
    const answer = await send('POST', '/v1/actions/batch', { body });
    expect(answer.status).toBe(202);
    const { results } = (await answer.json()) as { results: { action?: AcceptedAction; problem?: Problem }[] };
    expect(results.map(({ action, problem }) => problem?.code ?? action?.status)).toEqual(
      bad.flatMap(([, code]) => [code, 'pending']),
    );
  });
});

describe('a route', () => {
  it.each(['/v1', '/v1/nope', '/v1/messages/x/y', '/v2/messages', '/%2e%2e/etc/passwd', '/v1/messages%00'])(
    'that does not exist is answered 404: POST %s',
    async (path) => {
      expect(await problemOf(send('POST', path, { body: '{}' }))).toMatchObject({ status: 404, code: 'NOT_FOUND' });
    },
  );

  it.each(['/v1/messages/', '/v1/actions/', '/v1/rooms//members', `/v1/rooms/${ID}/members/`])(
    'with an empty id is answered 404 by every method: %s',
    async (path) => {
      for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'])
        expect(await problemOf(send(method, path))).toMatchObject({ status: 404, code: 'NOT_FOUND' });
    },
  );

  it.each(['/v1/%', '/v1/messages/%E0%A4%A', '/v1/messages/%ff'])(
    'that cannot be decoded is answered 400 or 404: %s',
    async (path) => {
      expect([400, 404]).toContain((await problemOf(send('GET', path))).status);
    },
  );

  it.each([`/v1/messages/${'a'.repeat(9_000)}`, `/v1/messages/${'a'.repeat(9_000)}%zz`])(
    'that is long and bad is not said again in the detail: %.20s…',
    async (path) => {
      const refused = await problemOf(send('GET', path));
      expect(refused).toMatchObject({ status: 400, code: 'VALIDATION_FAILED', instance: path });
      expect(refused.detail).toMatch(/^[\w ]{1,60}$/);
    },
  );

  it.each([
    ['PUT', '/v1/messages', ['GET', 'HEAD', 'POST']],
    ['DELETE', '/v1/messages', ['GET', 'POST']],
    ['POST', `/v1/messages/${ID}`, ['GET', 'PATCH', 'DELETE']],
    ['PATCH', `/v1/actions/${ID}`, ['GET', 'DELETE']],
    ['POST', '/v1/outcomes', ['GET']],
    ['GET', '/v1/revocations', ['POST']],
    ['POST', '/livez', ['GET']],
  ])('with another method is answered 405 with Allow: %s %s', async (method, path, allowed) => {
    const refused = await problemOf(send(method, path));
    expect(refused).toMatchObject({ status: 405, code: 'METHOD_NOT_ALLOWED' });
    expect(refused.headers.get('allow')!.split(', ')).toEqual(expect.arrayContaining(allowed));
    expect(refused.headers.get('allow')!.split(', ')).not.toContain(method);
  });

  it.each([
    ['GET', `/v1/messages/${ID}`],
    ['GET', '/v1/messages/xyz'],
    ['GET', '/v1/messages/__proto__'],
    ['GET', `/v1/messages/${'a'.repeat(150)}`],
    ['GET', `/v1/actions/${ID}`],
    ['GET', '/v1/actions/xyz'],
    ['DELETE', `/v1/actions/${ID}`],
    ['DELETE', '/v1/actions/xyz'],
  ])('with an unknown id is answered 404: %s %s', async (method, path) => {
    expect(await problemOf(send(method, path))).toMatchObject({ status: 404, code: 'NOT_FOUND' });
  });

  it.each(['PATCH', 'DELETE'])('that changes an id which is no UUID is answered 400: %s', async (method) => {
    const sent = method === 'PATCH' ? { body: '{"text":"a"}' } : {};
    const refused = await problemOf(send(method, '/v1/messages/xyz', sent));
    expect(refused).toMatchObject({ status: 400, code: 'VALIDATION_FAILED', errors: [{ pointer: '#path/id' }] });
  });

  it.each([
    ['%00', '#path/userId', 'NUL_CHARACTER'],
    ['a'.repeat(256), '#path/userId', 'IS_TEXT'],
  ])(
    'whose path names no user is answered 400 with a pointer into the path: PUT and DELETE %s',
    async (user, pointer, code) => {
      for (const method of ['PUT', 'DELETE']) {
        const refused = await problemOf(send(method, `/v1/rooms/${ID}/members/${user}`));
        expect(refused).toMatchObject({ status: 400, code: 'VALIDATION_FAILED', errors: [{ pointer, code }] });
      }
    },
  );

  it('that needs a scope is answered 403 without it', async () => {
    const refused = await problemOf(send('POST', '/v1/revocations', { body: '{"user":"bob"}' }));
    expect(refused).toMatchObject({ status: 403, code: 'FORBIDDEN' });
    expect(refused.headers.get('www-authenticate')).toBe(
      'Bearer realm="tidings", error="insufficient_scope", ' +
        `error_description="The token lacks the scope 'ops'", scope="ops"`,
    );
  });

  it('that submits what needs a scope is answered 403 without it', async () => {
    const body = '{"audience":"everyone","title":"News","body":"It works."}';
    const refused = await problemOf(send('POST', '/v1/announcements', { body }));
    expect(refused).toMatchObject({ status: 403, code: 'FORBIDDEN' });
    expect(refused.headers.get('www-authenticate')).toMatch(/, error="insufficient_scope", .*, scope="announce"$/);
  });

  it.each([
    '{}',
    '{"user":5}',
    '{"user":null}',
    '{"jti":null}',
    '{"user":"a","jti":null}',
    '{"user":""}',
    '{"user":"a","jti":"b"}',
    '{"user":"a","all":true}',
    '[]',
  ])('that revokes is answered 400 for %s', async (body) => {
    const headers = { authorization: `Bearer ${operator.token}` };
    const refused = await problemOf(send('POST', '/v1/revocations', { body, headers }));
    expect(refused).toMatchObject({ status: 400, code: 'VALIDATION_FAILED' });
  });
});

it.each(['%00', 'a%00b', 'a'.repeat(201)])('an erasure of who can be no user is refused: %s', async (user) => {
  const headers = { authorization: `Bearer ${operator.token}` };
  const refused = await problemOf(send('DELETE', `/v1/ops/users/${user}`, { headers }));
  expect(refused).toMatchObject({ status: 400, code: 'VALIDATION_FAILED', errors: [{ pointer: '#path/user' }] });
});

describe.each(['/v1/messages', '/v1/actions', '/v1/outcomes'])('a query of %s', (path) => {
  it.each([
    ['limit=501', '#query/limit'],
    ['limit=0', '#query/limit'],
    ['limit=-1', '#query/limit'],
    ['limit=1.5', '#query/limit'],
    ['limit=1e2', '#query/limit'],
    ['limit=', '#query/limit'],
    ['limit=abc', '#query/limit'],
    ['limit=1&limit=2', '#query/limit'],
    ['limit=99999999999999999999', '#query/limit'],
    ['nope=1', '#query/nope'],
    ['after=1&after=2', '#query/after'],
    [`after=${'a'.repeat(3_000)}`, '#query/after'],
  ])('is refused with a pointer: %.30s', async (query, pointer) => {
    const refused = await problemOf(send('GET', `${path}?${query}`));
    expect(refused).toMatchObject({ status: 400, code: 'VALIDATION_FAILED' });
    expect(refused.errors?.map((item) => item.pointer)).toContain(pointer);
  });

  it.each(['__proto__=1', 'constructor=1', 'toString=1', 'limit[a]=1', 'after=%00', '%00=1'])(
    'is refused: %s',
    async (query) => {
      expect((await problemOf(send('GET', `${path}?${query}`))).status).toBe(400);
    },
  );

  it.each([
    'x',
    'bm9uc2Vuc2U',
    btoa('2026-01-01T00:00:00.000Z nope'),
    btoa(`999999-01-01 ${ID}`),
    btoa(`0000-01-01 ${ID}`),
    '☃',
  ])('is refused for the bad cursor %s', async (after) => {
    const refused = await problemOf(send('GET', `${path}?after=${encodeURIComponent(after)}`));
    expect(refused).toMatchObject({ status: 400, code: 'CURSOR_INVALID' });
  });
});

describe('a query', () => {
  it.each(['status=done', 'status=', 'resourceId=xyz', `type=${'x'.repeat(101)}`, 'status=failed&status=expired'])(
    'of actions is refused: %.40s',
    async (query) => {
      const refused = await problemOf(send('GET', `/v1/actions?${query}`));
      expect(refused).toMatchObject({ status: 400, code: 'VALIDATION_FAILED' });
    },
  );

  it('of outcomes is refused for a forged cursor: of another user, from the future, or of another epoch', async () => {
    const bob = await system.user('bob');
    const { body } = await bob.call<AcceptedAction>('POST', '/v1/messages', {
      body: { text: 'a' },
      headers: { prefer: 'wait=10' },
    });
    expect(body.status).toBe('succeeded');
    const { body: page } = await bob.call<{ data: { cursor: string }[] }>('GET', '/v1/outcomes?after=0');
    const good = decodeCursor(page.data[0]!.cursor)!;
    const ask = (cursor: typeof good): Promise<Response> =>
      send('GET', `/v1/outcomes?after=${encodeCursor(cursor)}`, { headers: { authorization: `Bearer ${bob.token}` } });
    expect((await ask(good)).status).toBe(200);
    expect(await problemOf(ask({ ...good, channel: 'user:alice' }))).toMatchObject({ code: 'CURSOR_INVALID' });
    expect(await problemOf(ask({ ...good, offset: 1_000 }))).toMatchObject({ code: 'CURSOR_INVALID' });
    expect(await problemOf(ask({ ...good, check: 'ffffffffffff' }))).toMatchObject({
      status: 410,
      code: 'CURSOR_GONE',
    });
  });

  it('of drills goes on where the page before it ended; what is null in a drill is not given', async () => {
    const carol = await system.user('carol');
    const ids: string[] = [];
    for (const body of [{}, { performMs: null }, { fault: null }]) {
      const call = { body, headers: { prefer: 'wait=10' } };
      const { body: action } = await carol.call<Action>('POST', '/v1/drills', call);
      expect(action.status).toBe('succeeded');
      ids.unshift(action.resource.id);
    }
    interface Drills {
      data: { id: string }[];
      next: string | null;
    }
    const { body: page } = await carol.call<Drills>('GET', '/v1/drills?limit=2');
    const { body: rest } = await carol.call<Drills>('GET', `/v1/drills?limit=2&after=${page.next}`);
    expect([...page.data, ...rest.data].map(({ id }) => id)).toEqual(ids);
    expect(rest.next).toBeNull();
  });
});

describe.each(WRITES.slice(1))('If-Match of %s %s', (method, path) => {
  it.each(['W/"1"', '*', '"1", "2"', '"x"', '"', '-1', '"1.0"', '9'.repeat(30)])(
    'is refused when it is not one strong version: %s',
    async (value) => {
      const body = method === 'PATCH' ? { body: '{"text":"a"}' } : {};
      const refused = await problemOf(send(method, path, { headers: { 'if-match': value }, ...body }));
      expect(refused).toMatchObject({ code: 'VALIDATION_FAILED', errors: [{ pointer: '#header/If-Match' }] });
    },
  );
});

describe.each(WRITES)('Idempotency-Key of %s %s', (method, path) => {
  it.each(['short', '"short"', 'x'.repeat(256), 'schlüssel-8', '        '])(
    'is refused when it is not 8 to 255 printable characters: %.20s',
    async (value) => {
      const body = method === 'DELETE' ? {} : { body: '{"text":"a"}' };
      const refused = await problemOf(send(method, path, { headers: { 'idempotency-key': value }, ...body }));
      expect(refused).toMatchObject({ code: 'VALIDATION_FAILED', errors: [{ pointer: '#header/Idempotency-Key' }] });
    },
  );
});

it('two Idempotency-Keys in one request are none, and no key of their own', async () => {
  const { url } = system.api;
  const keyed = (...keys: string[]): Promise<Response> =>
    sendRaw(url, {
      method: 'DELETE',
      path: `/v1/messages/${ID}`,
      headers: [
        ['authorization', `Bearer ${alice.token}`],
        ...keys.map((key): [string, string] => ['Idempotency-Key', key]),
      ],
    });
  const refused = await problemOf(keyed('key-one-of-two', 'key-two-of-two'));
  expect(refused).toMatchObject({ code: 'VALIDATION_FAILED', errors: [{ pointer: '#header/Idempotency-Key' }] });
  expect(refused.detail).toContain('must be given once');
  // A comma is a character like others.
  expect((await keyed('key-one-of-two, key-two-of-two')).status).toBe(202);
});

it('an Idempotency-Key that was used for another request is refused with 422', async () => {
  const headers = { 'idempotency-key': `key-${Date.now()}` };
  expect((await send('POST', '/v1/messages', { body: '{"text":"a"}', headers })).status).toBe(202);
  const refused = await problemOf(send('POST', '/v1/messages', { body: '{"text":"b"}', headers }));
  expect(refused).toMatchObject({ status: 422, code: 'IDEMPOTENCY_KEY_REUSED' });
});
