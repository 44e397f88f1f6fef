import { beforeAll, describe, expect, it } from 'vitest';
import { startSystem, type System } from '#testing';

const PAGE = 'https://app.example';

let system: System;

beforeAll(async () => {
  system = await startSystem({ sockets: 1, workers: 0, env: { ALLOWED_ORIGINS: PAGE } });
});

/** Asks as a browser does for a page of another origin, and gives what it looks at. */
async function ask(method: string, headers: Record<string, string>): Promise<Record<string, unknown>> {
  const abort = new AbortController();
  const url = `${system.sockets[0]!.url}/v1/outcomes/stream`;
  const { status, headers: answer } = await fetch(url, { method, headers, signal: abort.signal });
  abort.abort();
  const allowed = ['origin', 'methods', 'headers'].map((name) => [name, answer.get(`access-control-allow-${name}`)]);
  return { status, ...Object.fromEntries(allowed) };
}

describe('an event stream is open to the pages of ALLOWED_ORIGINS:', () => {
  it('they may ask for it with a token and a position', async () => {
    const asked = 'authorization, last-event-id';
    const preflight = { 'access-control-request-method': 'GET', 'access-control-request-headers': asked };
    expect(await ask('OPTIONS', { origin: PAGE, ...preflight })).toEqual({
      status: 204,
      origin: PAGE,
      methods: 'GET, HEAD',
      headers: asked,
    });
  });

  it('they may read it, and why it is refused', async () => {
    const { token } = await system.user('alice');
    expect(await ask('GET', { origin: PAGE, authorization: `Bearer ${token}` })).toMatchObject({
      status: 200,
      origin: PAGE,
    });
    expect(await ask('GET', { origin: PAGE })).toMatchObject({ status: 401, origin: PAGE });
  });

  it('others may not', async () => {
    const { token } = await system.user('alice');
    const stranger = { origin: 'https://stranger.example', authorization: `Bearer ${token}` };
    expect(await ask('GET', stranger)).toMatchObject({ origin: null });
  });
});
