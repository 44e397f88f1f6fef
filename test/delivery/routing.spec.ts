import { expect, it } from 'vitest';
import { startSystem, type Listener } from '#testing';
import { metricOf } from './metrics.ts';
import { heardAll } from './sequence.ts';

const INSTANCES = 8;
const USERS = 1_000;

/** Connected, and submitting, at the same time. */
const AT_ONCE = 50;

it('an event costs work only on the instances where its owner is', async () => {
  const system = await startSystem({ sockets: INSTANCES });
  const users = await Promise.all(Array.from({ length: USERS }, (_, index) => system.user(`user-${index}`)));
  const listeners: Listener[] = [];
  for (let start = 0; start < USERS; start += AT_ONCE) {
    const some = users.slice(start, start + AT_ONCE);
    const connecting = some.map((user, index) => user.connect(system.sockets[(start + index) % INSTANCES]!));
    listeners.push(...(await Promise.all(connecting)));
  }
  // The first user is on all instances.
  for (const socket of system.sockets.slice(1)) listeners.push(await users[0]!.connect(socket));

  for (let start = 0; start < USERS; start += AT_ONCE) {
    await Promise.all(users.slice(start, start + AT_ONCE).map((user) => user.createMessage('hello')));
  }
  for (const listener of listeners) await heardAll(listener, 1);

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
  // A repeated publish is allowed; a broadcast would bring one to each instance.
  expect(received).toBeGreaterThanOrEqual(USERS);
  expect(received).toBeLessThan(1.5 * USERS);
}, 120_000);
