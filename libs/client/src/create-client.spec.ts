import { getEventListeners, once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { createClient } from './create-client.ts';
import type { ClientOptions, TidingsClient } from './client.ts';
import type { ClientStorage } from './storage/client-storage.ts';
import { eventually } from '#testing';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

const ACTION = {
  id: 'a',
  type: 'messages.create',
  status: 'pending',
  done: false,
  resource: { type: 'messages', id: 'r' },
};

function json(status: number, body: unknown, headers: Record<string, string> = {}): Answer {
  return (_, response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
  };
}

/** An api that gives these answers, one after the other, and the last one from then on. */
async function clientOf(...answers: Answer[]): Promise<{ client: TidingsClient; requests: IncomingMessage[] }> {
  return clientWith({}, ...answers);
}

async function clientWith(
  options: Partial<ClientOptions>,
  ...answers: Answer[]
): Promise<{ client: TidingsClient; requests: IncomingMessage[] }> {
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    requests.push(request);
    (answers.length > 1 ? answers.shift()! : answers[0]!)(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const baseUrl = `http://127.0.0.1:${port}/`;
  const client = createClient({ baseUrl, token: () => 'token', submitWithinMs: 30_000, ...options });
  onTestFinished(() => {
    client.close();
    server.close();
    server.closeAllConnections();
  });
  return { client, requests };
}

function fail(): never {
  throw new Error('failed');
}

function keysOf(requests: IncomingMessage[]): unknown[] {
  return requests.filter(({ method }) => method === 'POST').map(({ headers }) => headers['idempotency-key']);
}

it('submits again with the same key when the network fails, nobody serves, or it shall come later', async () => {
  const startedAt = performance.now();
  const { client, requests } = await clientOf(
    (request) => request.socket.destroy(),
    json(503, { code: 'UNAVAILABLE', detail: 'away' }),
    (_, response) => response.writeHead(502, { 'content-type': 'text/html' }).end('<h1>Bad Gateway</h1>'),
    json(429, { code: 'RATE_LIMITED', detail: 'slowly' }, { 'retry-after': '1' }),
    json(202, { ...ACTION, cursor: '' }),
    json(200, { ...ACTION, status: 'succeeded', done: true, response: { text: 'hello' } }),
  );
  const { action, outcome } = await client.messages.create({ text: 'hello' });
  expect(performance.now() - startedAt).toBeGreaterThan(1_000);
  expect(action.id).toBe('a');
  expect(await outcome()).toMatchObject({ status: 'succeeded' });
  const keys = keysOf(requests);
  expect(keys).toHaveLength(5);
  expect(new Set(keys).size).toBe(1);
  expect(keys[0]).toMatch(/^[0-9a-f]{32}$/);
});

it('submits again when there was no token for a while', async () => {
  const given = ['refused', undefined, 'good'];
  const token = (): string => given.shift() ?? fail();
  const { client, requests } = await clientWith(
    { token },
    json(401, { code: 'TOKEN_EXPIRED', detail: 'old' }),
    json(401, { code: 'TOKEN_EXPIRED', detail: 'old' }),
    json(202, { ...ACTION, done: true, cursor: '' }),
  );
  await client.messages.create({ text: 'hello' });
  expect(given).toEqual([]);
  const keys = keysOf(requests);
  expect(keys).toEqual([keys[0], keys[0], keys[0]]);
});

it('sends what it was given at first, although that changed before it was sent again', async () => {
  const bodies: unknown[] = [];
  const readThen = (answer: Answer): Answer => {
    return (request, response) =>
      void request.toArray().then((chunks) => {
        bodies.push(JSON.parse(chunks.join('')));
        answer(request, response);
      });
  };
  const payload = { text: 'first' };
  const { client } = await clientOf(
    readThen((request) => {
      payload.text = 'changed';
      request.socket.destroy();
    }),
    readThen(json(202, { ...ACTION, done: true, cursor: '' })),
  );
  await client.messages.create(payload);
  expect(bodies).toEqual([{ text: 'first' }, { text: 'first' }]);
});

it('refuses at once what cannot be sent, and does not call it a failure of the network', async () => {
  const { client, requests } = await clientOf(json(202, ACTION));
  const round: Record<string, unknown> = {};
  round['round'] = round;
  const submits = [
    client.resource('drills').create({ count: 1n }),
    client.resource('drills').edit('x', round),
    client.messages.create({ text: 'hello' }, { idempotencyKey: 'no header → holds it' }),
    client.mirror('typing', round),
    client.mirror('typing', 1n),
  ];
  for (const submit of submits) await expect(submit).rejects.toMatchObject({ code: 'VALIDATION_FAILED', status: 0 });
  expect([client.pending, requests]).toEqual([[], []]);
});

it('submits again what did not arrive in time', async () => {
  const { client, requests } = await clientOf(
    json(408, { code: 'REQUEST_TIMEOUT', detail: 'too slow' }),
    json(202, { ...ACTION, done: true, cursor: '' }),
  );
  await client.messages.create({ text: 'hello' });
  expect(keysOf(requests)).toHaveLength(2);
});

it('rejects a submit with an error of its own when the answer is none of ours', async () => {
  const { client } = await clientOf(json(200, {}));
  await expect(client.messages.create({ text: 'hello' })).rejects.toMatchObject({ code: 'UNEXPECTED_ANSWER' });
});

it('does not submit again what was refused', async () => {
  const { client, requests } = await clientOf(json(422, { code: 'IDEMPOTENCY_KEY_REUSED', detail: 'used' }));
  const submit = client.messages.create({ text: 'hello' }, { idempotencyKey: 'my own key' });
  await expect(submit).rejects.toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED', status: 422, detail: 'used' });
  expect(keysOf(requests)).toEqual(['my own key']);
});

it('gives up when it would take too long, with the last error', async () => {
  const { client } = await clientOf(json(503, { code: 'UNAVAILABLE', detail: 'away' }, { 'retry-after': '60' }));
  const submit = client.messages.create({ text: 'hello' });
  expect(client.pending).toHaveLength(1);
  await expect(submit).rejects.toMatchObject({ code: 'UNAVAILABLE', retryAfterMs: 60_000 });
  expect(client.pending).toEqual([]);
});

it('gives up what waited for its turn meanwhile in the same time', async () => {
  const isOver = Promise.withResolvers<void>();
  const { client, requests } = await clientWith({ submitWithinMs: 500 }, ({ socket }) => {
    void isOver.promise.then(() => socket.destroy());
  });
  const edits = Array.from({ length: 12 }, () => client.messages.edit('x', { text: 'hello' }));
  const until = Date.now() + 500;
  await eventually(() => expect(Date.now()).toBeGreaterThan(until));
  isOver.resolve();
  for (const edit of edits) await expect(edit).rejects.toMatchObject({ code: 'NETWORK' });
  // None has any time left for a second try.
  expect(requests).toHaveLength(edits.length);
});

it('waits for an outcome until there is one, and rejects when there will be none', async () => {
  const pending = json(200, ACTION);
  const away = json(503, { code: 'UNAVAILABLE', detail: 'away' });
  const { client } = await clientOf(
    json(202, { ...ACTION, cursor: '' }),
    pending,
    away,
    json(404, { code: 'NOT_FOUND', detail: 'none' }),
  );
  const { outcome } = await client.messages.create({ text: 'hello' });
  await expect(outcome()).rejects.toMatchObject({ code: 'NOT_FOUND' });
  expect(client.pending).toEqual([]);
});

it('sends what it is asked for in headers and query', async () => {
  const { client, requests } = await clientOf(json(202, { ...ACTION, done: true, cursor: '' }));
  await client.messages.edit('x/y', { text: 'hello' }, { ifMatch: 3 });
  await client.messages.list({ limit: 5, after: 'a b' });
  await client.actions.list({ status: 'failed' });
  expect(requests.map(({ method, url }) => `${method} ${url}`)).toEqual([
    'PATCH /v1/messages/x%2Fy',
    'GET /v1/messages?limit=5&after=a+b',
    'GET /v1/actions?status=failed',
  ]);
  expect(requests[0]!.headers).toMatchObject({ authorization: 'Bearer token', 'if-match': '"3"' });
});

it('cancels the request of a submit whose signal is aborted, and rejects with the reason', async () => {
  const isCancelled = Promise.withResolvers<void>();
  const controller = new AbortController();
  const { client, requests } = await clientOf((_, response) => {
    response.once('close', isCancelled.resolve);
    controller.abort('changed my mind');
  });
  const submit = client.messages.create({ text: 'hello' }, { signal: controller.signal });
  const [entry] = client.pending;
  await expect(submit).rejects.toBe('changed my mind');
  await expect(entry!.outcome()).rejects.toBe('changed my mind');
  await isCancelled.promise;
  expect([client.pending, requests.length]).toEqual([[], 1]);
  expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
});

it('does not send, or not again, what is aborted before, between two tries, or while it waits for its turn', async () => {
  const { client, requests } = await clientOf(
    json(503, { code: 'UNAVAILABLE', detail: 'away' }, { 'retry-after': '20' }),
    json(202, { ...ACTION, done: true, cursor: '' }),
  );
  const before = client.messages.create({ text: 'hello' }, { signal: AbortSignal.abort('before') });
  await expect(before).rejects.toBe('before');
  const [first, second] = [new AbortController(), new AbortController()];
  const tried = client.messages.edit('x', { text: 'first' }, { signal: first.signal });
  const waiting = client.messages.edit('x', { text: 'second' }, { signal: second.signal });
  const last = client.messages.edit('x', { text: 'third' });
  await eventually(() => expect(requests).toHaveLength(1));
  second.abort('in the queue');
  await expect(waiting).rejects.toBe('in the queue');
  expect(client.pending).toHaveLength(2);
  const abortedAt = performance.now();
  first.abort('between two tries');
  await expect(tried).rejects.toBe('between two tries');
  await last;
  expect(performance.now() - abortedAt).toBeLessThan(15_000);
  expect([client.pending, requests.length]).toEqual([[], 2]);
});

it('stops waiting for a token, or an outcome, when the signal is aborted, and the action goes on', async () => {
  const given = Promise.withResolvers<string>();
  let isDone = false;
  const { client } = await clientWith({ token: () => given.promise }, (request, response) => {
    const status = request.method === 'POST' ? 202 : 200;
    json(status, { ...ACTION, done: isDone, cursor: '' })(request, response);
  });
  const controllers = [new AbortController(), new AbortController(), new AbortController()] as const;
  const [token, short, long] = controllers;
  const aborted = client.messages.create({ text: 'hello' }, { signal: token.signal });
  token.abort('no token');
  await expect(aborted).rejects.toBe('no token');
  given.resolve('token');
  const { outcome } = await client.messages.create({ text: 'hello' });
  const waiting = outcome({ signal: short.signal });
  const others = [outcome(), outcome({ signal: long.signal }), client.pending[0]!.outcome({ signal: long.signal })];
  short.abort('too long');
  await expect(waiting).rejects.toBe('too long');
  await expect(outcome({ signal: short.signal })).rejects.toBe('too long');
  expect(client.pending).toHaveLength(1);
  isDone = true;
  for (const other of others) expect(await other).toMatchObject({ id: 'a', done: true });
  expect(controllers.map(({ signal }) => getEventListeners(signal, 'abort').length)).toEqual([0, 0, 0]);
});

it('ends a submit that is under way when it is closed', async () => {
  const { client } = await clientOf(() => undefined);
  const submit = client.messages.create({ text: 'hello' });
  client.close();
  await expect(submit).rejects.toMatchObject({ code: 'CLOSED' });
});

it('ends a submit that waits for a token when it is closed', async () => {
  const { client, requests } = await clientWith({ token: () => new Promise(() => undefined) }, json(202, ACTION));
  const submit = client.messages.create({ text: 'hello' });
  client.close();
  await expect(submit).rejects.toMatchObject({ code: 'CLOSED' });
  expect(requests).toEqual([]);
});

it('tells that its storage cannot be read, to who listens as soon as it is made, and goes on without it', async () => {
  const storage: ClientStorage = { read: fail, write: () => undefined };
  const client = createClient({ baseUrl: 'http://127.0.0.1', token: () => 'token', storage });
  onTestFinished(() => client.close());
  const error = await new Promise((resolve) => client.on('error', resolve));
  expect(error).toMatchObject({ code: 'STORAGE_FAILED', cause: { message: 'failed' } });
  expect([client.state, client.pending]).toEqual(['offline', []]);
});

it('is not made without a URL, and does not move to none', async () => {
  expect(() => createClient({ baseUrl: '', token: () => 'token' })).toThrow(TypeError);
  const { client } = await clientOf(() => undefined);
  expect(() => client.useSocket('bad')).toThrow(TypeError);
});

it('does not connect after it was closed, not even for who hears of the end', async () => {
  const { client, requests } = await clientOf(() => undefined);
  const again = new Promise<unknown>((resolve) =>
    client.on('state', (state) => state === 'offline' && resolve(client.connect().catch((error) => error))),
  );
  client.connect().catch(() => undefined);
  client.close();
  expect(await again).toMatchObject({ code: 'CLOSED' });
  await expect(client.connect()).rejects.toMatchObject({ code: 'CLOSED' });
  expect([client.state, requests]).toEqual(['offline', []]);
});

it('says so when it is asked for more after it was closed', async () => {
  const { client } = await clientOf(() => undefined);
  client.close();
  await expect(client.mirror('typing')).rejects.toMatchObject({ code: 'CLOSED' });
  await expect(client.room('r').presence()).rejects.toMatchObject({ code: 'CLOSED' });
});

it('gives a subscription that has ended after it was closed', async () => {
  const { client } = await clientOf(() => undefined);
  client.close();
  const subscription = client.room('r').subscribe(() => undefined);
  await expect(subscription.ready).rejects.toMatchObject({ code: 'CLOSED' });
  expect(await subscription.ended).toMatchObject({ code: 'CLOSED' });
  expect(await subscription.events().next()).toEqual({ done: true, value: undefined });
});

it('has no more outcomes after it was closed', async () => {
  const { client } = await clientOf(() => undefined);
  client.close();
  expect(await client.outcomes().next()).toEqual({ done: true, value: undefined });
});
