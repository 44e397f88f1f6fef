import { expect, it } from 'vitest';
import { startSystem, type Listener } from '#testing';
import { metricOf } from './metrics.ts';
import { heardAll } from './sequence.ts';

const INSTANCES = 4;
const USERS = 100;

it('an event costs work only on the instances where its owner is', async () => {
  const system = await startSystem({ sockets: INSTANCES });
  const users = await Promise.all(Array.from({ length: USERS }, (_, index) => system.user(`user-${index}`)));
  const listeners: Listener[] = [];
  for (const [index, user] of users.entries()) {
    listeners.push(await user.connect(system.sockets[index % INSTANCES]!));
  }
  // The first user is on all instances.
  for (const socket of system.sockets.slice(1)) listeners.push(await users[0]!.connect(socket));

  await Promise.all(users.map((user) => user.createMessage('hello')));
  await Promise.all(listeners.map((listener) => heardAll(listener, 1)));

  const here = USERS / INSTANCES;
  const perInstance = await Promise.all(
    system.sockets.map(async (socket, index) => {
      const guests = index === 0 ? 0 : 1;
      // Those of everyone, and of everyone with a token, besides the users' own.
      expect(await metricOf(socket, 'tidings_channels_open')).toBe(here + guests + 2);
      expect(await metricOf(socket, 'tidings_connections')).toBe(here + guests);
      expect(await metricOf(socket, 'tidings_events_delivered_total')).toBe(here + guests);
      return metricOf(socket, 'tidings_channel_messages_received_total');
    }),
  );
  const received = perInstance.reduce((sum, count) => sum + count, 0);
  console.log(
    `routing: ${USERS} outcomes cost ${received} messages on ${INSTANCES} instances: ${perInstance.join(' ')}`,
  );
  // A repeated publish is allowed; a broadcast would bring 400.
  expect(received).toBeGreaterThanOrEqual(USERS);
  expect(received).toBeLessThan(1.5 * USERS);
}, 60_000);
