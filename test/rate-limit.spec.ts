import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Problem } from '#contracts';
import { privateInstallation, problemOf, startSystem, type System, type TestUser } from '#testing';

const MOST = 10;

type Answered = Awaited<ReturnType<TestUser['call']>>;

async function calls(user: TestUser, count: number): Promise<Answered[]> {
  const answers: Answered[] = [];
  for (let call = 0; call < count; call += 1) answers.push(await user.call('GET', '/v1/messages'));
  return answers;
}

const statusesOf = (answers: readonly Answered[]): number[] => answers.map(({ status }) => status);

describe('the limit of a user', () => {
  let system: System;
  let redis: Awaited<ReturnType<typeof privateInstallation>>;

  beforeAll(async () => {
    redis = await privateInstallation();
    system = await startSystem({ sockets: 0, workers: 0, redis, env: { RATE_LIMIT_PER_USER: String(MOST) } });
  });

  it('is told with each answer, and refuses what goes beyond with 429, for that user alone', async () => {
    const alice = await system.user('alice');
    const answers = await calls(alice, MOST + 2);
    expect(statusesOf(answers)).toEqual([...Array.from({ length: MOST }, () => 200), 429, 429]);
    expect(answers[0]!.headers.get('ratelimit-policy')).toBe(`"user";q=${MOST};w=60`);
    expect(answers[0]!.headers.get('ratelimit')).toMatch(/^"user";r=9;t=\d+$/);
    const { headers, body } = answers.at(-1)!;
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
    expect(headers.get('content-type')).toMatch('application/problem+json');
    expect((body as Problem).code).toBe('RATE_LIMITED');
    expect(statusesOf(await calls(await system.user('bob'), 1))).toEqual([200]);
  });

  it('counts what cannot be read, too', async () => {
    const mallory = await system.user('mallory');
    const headers = { authorization: `Bearer ${mallory.token}`, 'content-type': 'application/json' };
    const statuses: number[] = [];
    for (let call = 0; call < MOST + 1; call += 1) {
      const sent = { method: 'POST', headers, body: '{"text":' };
      statuses.push((await fetch(`${system.api.url}/v1/messages`, sent)).status);
    }
    expect(statuses).toEqual([...Array.from({ length: MOST }, () => 400), 429]);
  });

  it('counts over all instances', async () => {
    const other = await system.add('api');
    const [here, there] = [await system.user('carol'), await system.user('carol')];
    expect(statusesOf(await calls(here, MOST))).not.toContain(429);
    const { status } = await fetch(`${other.url}/v1/messages`, { headers: { authorization: `Bearer ${there.token}` } });
    expect(status).toBe(429);
  });

  it('leaves health and metrics alone, and holds on each instance while Redis is away', async () => {
    await redis.kill();
    const dave = await system.user('dave');
    expect(statusesOf(await calls(dave, MOST + 1))).toEqual([...Array.from({ length: MOST }, () => 200), 429]);
    for (let call = 0; call < 2 * MOST; call += 1) {
      expect((await fetch(`${system.api.url}/livez`)).status).toBe(200);
    }
  });
});

describe('the limit of bytes', () => {
  let system: System;

  beforeAll(async () => {
    system = await startSystem({ sockets: 0, workers: 0, env: { RATE_LIMIT_BYTES: '250000' } });
  });

  const LARGE = JSON.stringify({ actions: [{ type: 'messages.create', payload: { text: 'x'.repeat(200_000) } }] });

  function post(user: TestUser, path: string, body: BodyInit, headers: Record<string, string> = {}): Promise<Response> {
    const all = { authorization: `Bearer ${user.token}`, 'content-type': 'application/json', ...headers };
    const init = { method: 'POST', headers: all, body, duplex: 'half' };
    return fetch(`${system.api.url}${path}`, init);
  }

  /** Each is the same batch of 200 kB. */
  const WAYS: [way: string, headers: Record<string, string>, body: () => BodyInit][] = [
    ['as it is', {}, () => LARGE],
    ['in chunks', {}, () => new Blob([LARGE]).stream()],
    ['gzipped', { 'content-encoding': 'gzip' }, () => new Uint8Array(gzipSync(LARGE))],
  ];

  it.each(WAYS)('is of a user, and counts what a body holds: %s', async (way, headers, body) => {
    const [erin, frank] = await Promise.all([system.user(`erin ${way}`), system.user(`frank ${way}`)]);
    const send = (user: TestUser): Promise<Response> => post(user, '/v1/actions/batch', body(), headers);
    expect((await send(erin)).status).toBe(202);
    const refused = await problemOf(send(erin));
    expect(refused).toMatchObject({ status: 429, code: 'RATE_LIMITED' });
    expect(refused.headers.get('ratelimit-policy')).toBe('"bytes";q=250000;w=60');
    expect(refused.headers.get('ratelimit')).toBe(`"bytes";r=0;t=${refused.headers.get('retry-after')}`);
    expect((await send(frank)).status).toBe(202);
  });

  it('counts what is no JSON, too', async () => {
    const heidi = await system.user('heidi');
    const send = (): Promise<Response> => post(heidi, '/v1/actions/batch', LARGE.slice(0, -1));
    expect((await send()).status).toBe(400);
    expect(await problemOf(send())).toMatchObject({ status: 429, code: 'RATE_LIMITED' });
  });

  it('counts a small body as small, whether its length is announced or not', async () => {
    const grace = await system.user('grace');
    for (let call = 0; call < 5; call += 1) {
      const { status } = await post(grace, '/v1/messages', new Blob(['{"text":"short"}']).stream());
      expect(status).toBe(202);
    }
  });
});

describe('the limit of an address', () => {
  it('refuses a flood before it is known who sends it', async () => {
    const system = await startSystem({ sockets: 0, workers: 0, env: { RATE_LIMIT_PER_ADDRESS: String(MOST) } });
    const statuses: number[] = [];
    for (let call = 0; call < MOST + 1; call += 1) {
      statuses.push((await fetch(`${system.api.url}/v1/messages`, { headers: { authorization: 'Bearer x' } })).status);
    }
    expect(statuses).toContain(401);
    expect(statuses.at(-1)).toBe(429);
    expect((await fetch(`${system.api.url}/readyz`)).status).toBe(200);
  });

  it('takes a /64 of IPv6 for one', async () => {
    const env = { RATE_LIMIT_PER_ADDRESS: String(MOST), TRUSTED_PROXIES: '127.0.0.1' };
    const system = await startSystem({ sockets: 0, workers: 0, env });
    const ask = async (address: string): Promise<number> =>
      (await fetch(`${system.api.url}/v1/messages`, { headers: { 'x-forwarded-for': address } })).status;
    for (let call = 0; call < MOST; call += 1) expect(await ask(`2001:db8:0:1::${call + 1}`)).toBe(401);
    expect(await ask('2001:db8:0:1:ffff::1')).toBe(429);
    expect(await ask('2001:db8:0:2::1')).toBe(401);
  });
});
