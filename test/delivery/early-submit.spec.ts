import { beforeAll, expect, it } from 'vitest';
import type { AcceptedAction } from '#contracts';
import { FaultyProxy, Listener, startSystem, type StartedApp, type System } from '#testing';
import { ackOf } from '../audiences/ack.ts';

let system: System;
let socket: StartedApp;

beforeAll(async () => {
  system = await startSystem({ sockets: 0 });
  const network = await FaultyProxy.start(system.redis.url);
  socket = await system.add('socket', { REDIS_URL: network.url });
  // So long it takes until its channels are subscribed to.
  network.slow(300);
});

it('a client that submits before its session has begun hears the session first, and the outcome after it', async () => {
  const alice = await system.user('alice');
  const listener = new Listener(socket.url, { token: alice.token });
  const command = { type: 'messages.create', payload: { text: 'in a hurry' } };
  const answer = await ackOf<{ action: AcceptedAction }>(listener, 'submit', command);
  expect(listener.sessions).toHaveLength(1);
  if (!answer.ok) throw new Error(answer.problem.detail);
  const outcome = await listener.outcomeOf(answer.action);
  expect(outcome.data).toMatchObject({ status: 'succeeded', response: { text: 'in a hurry' } });
  listener.close();
});

it('a client may tell before its session has begun what it has handled', async () => {
  const bob = await system.user('bob');
  const { cursor } = await bob.createMessage('handled');
  const listener = new Listener(socket.url, { token: bob.token });
  expect(await ackOf(listener, 'delivered', { cursor })).toEqual({ ok: true });
  listener.close();
});
