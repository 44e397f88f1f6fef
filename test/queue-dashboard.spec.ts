import { beforeAll, describe, expect, it } from 'vitest';
import { eventually, privateRedis, problemOf, startSystem, type System } from '#testing';

const PASSWORD = 'a long password: with colons';

let system: System;

beforeAll(async () => {
  system = await startSystem({ workers: 0, sockets: 0, env: { QUEUES_DASHBOARD_PASSWORD: PASSWORD } });
});

function get(path: string, password?: string, method = 'GET'): Promise<Response> {
  const authorization = password && `Basic ${Buffer.from(`ops:${password}`).toString('base64')}`;
  return fetch(`${system.api.url}${path}`, { method, headers: authorization ? { authorization } : {} });
}

describe('the dashboard of the queue', { timeout: 60_000 }, () => {
  it('shows the tickets to who has the password', async () => {
    const alice = await system.user('alice');
    await alice.createMessage('hello');
    const answer = await get('/queues/api/queues', PASSWORD);
    const { queues } = (await answer.json()) as { queues: { name: string; readOnlyMode: boolean; counts: object }[] };
    expect(queues).toEqual([expect.objectContaining({ name: 'tickets', readOnlyMode: true })]);
    expect(queues[0]!.counts).toMatchObject({ waiting: 1 });
  });

  it('asks nobody else for anything, and its parts are there', async () => {
    const page = await get('/queues', PASSWORD);
    const html = await page.text();
    expect(page.headers.get('content-security-policy')).toContain("default-src 'self'");
    expect(html).toContain('id="root"');
    expect(html).not.toMatch(/https?:\/\//);
    const [, script] = /src="(static\/js\/main[^"]+)"/.exec(html)!;
    expect((await get(`/queues/${script!}`, PASSWORD)).status).toBe(200);
  });

  it.each([
    ['/queues', undefined],
    ['/queues', 'wrong'],
    ['/queues/api/queues', undefined],
    ['/queues/api/queues', `${PASSWORD}x`],
    ['/queues/static/', undefined],
  ])('is closed without the password: %s, %s', async (path, password) => {
    const answer = await get(path, password);
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toContain('Basic');
    expect(await answer.json()).toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  it('changes nothing', async () => {
    const answer = await get('/queues/api/queues/tickets/clean/wait', PASSWORD, 'PUT');
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.status).toBeLessThan(500);
  });

  it('says so while Redis hangs', async () => {
    const redis = await privateRedis();
    const env = { QUEUES_DASHBOARD_PASSWORD: PASSWORD };
    const { api } = await startSystem({ workers: 0, sockets: 0, redis, env });
    const headers = { authorization: `Basic ${Buffer.from(`ops:${PASSWORD}`).toString('base64')}` };
    const ask = (): Promise<Response> =>
      fetch(`${api.url}/queues/api/queues`, { headers, signal: AbortSignal.timeout(15_000) });
    await redis.kill('SIGSTOP');
    expect(await problemOf(ask())).toMatchObject({ status: 503, code: 'UNAVAILABLE' });
    await redis.kill('SIGCONT');
    await eventually(async () => expect((await ask()).status).toBe(200));
  });

  it('is not there unless it is configured', async () => {
    const plain = await system.add('api', { QUEUES_DASHBOARD_PASSWORD: '' });
    expect((await fetch(`${plain.url}/queues`)).status).toBe(404);
  });

  it('is refused with a password that can be guessed', async () => {
    await expect(system.add('api', { QUEUES_DASHBOARD_PASSWORD: 'short' })).rejects.toThrow(
      'QUEUES_DASHBOARD_PASSWORD must be longer than or equal to 16 characters',
    );
  });
});
