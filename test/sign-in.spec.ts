import { describe, expect, it } from 'vitest';
import { problemOf, startSystem, type System } from '#testing';

/** In development; what is sent from this machine is not limited then. */
const start = (env: NodeJS.ProcessEnv = {}): Promise<System> =>
  startSystem({ workers: 0, sockets: 0, env: { NODE_ENV: 'development', ...env } });

const signIn = ({ api }: System): Promise<Response> =>
  fetch(`${api.url}/v1/dev/sign-in`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ user: 'alice' }),
  });

describe('the sign-in of demo users', () => {
  it('gives a token that is taken', async () => {
    const system = await start();
    const { token } = (await (await signIn(system)).json()) as { token: string };
    const headers = { authorization: `Bearer ${token}` };
    expect((await fetch(`${system.api.url}/v1/messages`, { headers })).status).toBe(200);
  });

  it('is not there where tokens come from an issuer: nobody would take its own', async () => {
    const system = await start({ JWKS_URL: 'http://127.0.0.1:1/keys' });
    expect(await problemOf(signIn(system))).toMatchObject({ status: 404, code: 'NOT_FOUND' });
  });
});
