import { beforeAll, describe, expect, it } from 'vitest';
import { RawSocket, startSystem, type System } from '#testing';

let system: System;

beforeAll(async () => {
  system = await startSystem({ sockets: 1, workers: 0, env: { ALLOWED_ORIGINS: 'https://app.example' } });
});

/** Requests of which each is answered by another part of the app. */
const REQUESTS: [app: 'api' | 'socket', method: string, path: string, status: number, headers?: object][] = [
  ['api', 'GET', '/livez', 200],
  ['api', 'GET', '/', 200],
  ['api', 'GET', '/docs', 200],
  ['api', 'GET', '/openapi.json', 200],
  ['api', 'GET', '/v1/messages', 401],
  ['api', 'GET', '/nothing', 404],
  ['api', 'GET', '/%zz', 400],
  ['api', 'GET', '/livez', 200, { origin: 'https://app.example' }],
  ['socket', 'GET', '/readyz', 200],
  ['socket', 'GET', '/nothing', 404],
  ['socket', 'GET', '/v1/outcomes/stream', 401],
  ['socket', 'GET', '/socket.io/?EIO=4&transport=polling', 200],
  ['socket', 'GET', '/socket.io/?EIO=4&transport=nonsense', 400],
  ['socket', 'GET', '/socket.io/?EIO=4&transport=polling', 403, { origin: 'https://stranger.example' }],
];

const ask = (app: 'api' | 'socket', method: string, path: string, headers = {}): Promise<Response> =>
  fetch(`${system[app === 'api' ? 'apis' : 'sockets'][0]!.url}${path}`, { method, headers });

describe('every answer has its security headers:', () => {
  it.each(REQUESTS)('%s %s %s (%i)', async (app, method, path, status, headers = {}) => {
    const answer = await ask(app, method, path, headers);
    expect(answer.status).toBe(status);
    const policy = answer.headers.get('content-security-policy')!;
    for (const rule of ["default-src 'none'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"]) {
      expect(policy.split(';')).toContain(rule);
    }
    expect(policy).not.toContain('upgrade-insecure-requests');
    expect(policy.match(/script-src[^;]*/)?.[0] ?? "script-src 'self'").toBe("script-src 'self'");
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'SAMEORIGIN',
      'referrer-policy': 'no-referrer',
      'cross-origin-resource-policy': 'same-origin',
    });
    expect(answer.headers.has('x-powered-by')).toBe(false);
    // Nothing about TLS where there is none.
    expect(answer.headers.has('strict-transport-security')).toBe(false);
  });

  it('an open event stream', async () => {
    const { token } = await system.user('alice');
    const abort = new AbortController();
    const { headers, status } = await fetch(`${system.sockets[0]!.url}/v1/outcomes/stream`, {
      headers: { authorization: `Bearer ${token}` },
      signal: abort.signal,
    });
    abort.abort();
    expect(status).toBe(200);
    expect(headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(headers.get('x-content-type-options')).toBe('nosniff');
  });

  it('and behind TLS, HSTS', async () => {
    for (const [app, path] of [
      ['api', '/'],
      ['socket', '/socket.io/?EIO=4&transport=polling'],
    ] as const) {
      const { headers } = await ask(app, 'GET', path, { 'x-forwarded-proto': 'https' });
      expect(headers.get('strict-transport-security')).toMatch(/^max-age=\d{8}/);
    }
  });

  it('while a websocket is opened without them', async () => {
    const socket = await RawSocket.connect(system.sockets[0]!.url, '{}');
    expect(await socket.event('session')).toMatchObject({ userId: null });
    socket.close();
  });
});

it('a page of another origin may read why it was refused, whatever it sends', async () => {
  const headers = { origin: 'https://app.example', 'content-type': 'application/json' };
  const init = { method: 'POST', headers, body: '{}' };
  const answer = await fetch(`${system.api.url}/v1/messages`, init);
  expect(answer.status).toBe(401);
  expect(answer.headers.get('access-control-allow-origin')).toBe('https://app.example');
});

it('OPTIONS is answered without the headers of a preflight too', async () => {
  expect((await ask('api', 'OPTIONS', '/v1/messages')).status).toBe(204);
  expect((await ask('api', 'OPTIONS', '/v1/messages', { origin: 'https://app.example' })).status).toBe(204);
});
