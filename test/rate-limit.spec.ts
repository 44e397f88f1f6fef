import { beforeAll, describe, expect, it } from 'vitest';
import type { Problem } from '#contracts';
import { privateInstallation, startSystem, type System, type TestUser } from '#testing';

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
  it('is of a user, whether the length of a body is announced or not', async () => {
    const system = await startSystem({ sockets: 0, workers: 0, env: { RATE_LIMIT_BYTES: '250000' } });
    const [erin, frank] = await Promise.all([system.user('erin'), system.user('frank')]);
    const large = { body: { actions: [{ type: 'messages.create', payload: { text: 'x'.repeat(200_000) } }] } };
    const send = (user: TestUser): Promise<Answered> => user.call('POST', '/v1/actions/batch', large);
    expect(statusesOf([await send(erin), await send(erin), await send(frank)])).toEqual([202, 429, 202]);
    const grace = await system.user('grace');
    const streamed = async (): Promise<number> => {
      const body = new Blob([JSON.stringify({ text: 'short' })]).stream();
      const headers = { authorization: `Bearer ${grace.token}`, 'content-type': 'application/json' };
      const init = { method: 'POST', headers, body, duplex: 'half' };
      return (await fetch(`${system.api.url}/v1/messages`, init)).status;
    };
    expect([await streamed(), await streamed(), await streamed()]).toEqual([202, 202, 429]);
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
});
