import { afterEach, beforeAll, expect, it } from 'vitest';
import type { Action } from '#contracts';
import { privateRedis, startSystem, type System } from '#testing';

let redis: Awaited<ReturnType<typeof privateRedis>>;
let system: System;

beforeAll(async () => {
  redis = await privateRedis();
  system = await startSystem({ workers: 0, sockets: 1, redis });
});

afterEach(() => redis.kill('SIGCONT'));

it('what is cancelled while Redis hangs is answered all the same, however much it is, and heard of later', async () => {
  const [alice, bob] = await Promise.all([system.user('alice'), system.user('bob')]);
  const operator = await system.user('operator', { scopes: ['ops'] });
  const listener = await alice.connect(system.sockets[0]!);
  await redis.kill('SIGSTOP');
  const action = await alice.createMessage('text');
  const { status, body } = await alice.call<Action>('DELETE', `/v1/actions/${action.id}`);
  expect([status, body.status]).toEqual([202, 'cancelled']);
  // An erasure cancels one after the other.
  await Promise.all(Array.from({ length: 20 }, (_, index) => bob.createMessage(`text ${index}`)));
  const erased = await operator.call('DELETE', '/v1/ops/users/bob');
  expect(erased).toMatchObject({ status: 200, body: { cancelled: 20 } });
  await redis.kill('SIGCONT');
  expect((await listener.outcomeOf(action)).type).toBe('action.cancelled');
});
