import { Redis } from 'ioredis';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { eventually, FaultyProxy, startSystem, type Meddle, type StartedApp, type System } from '#testing';
import { drills, submitAll } from '../processing/drills.ts';
import { metricOf } from './metrics.ts';
import { heardAll } from './sequence.ts';

let system: System;
let network: FaultyProxy;
let socket: StartedApp;

beforeAll(async () => {
  system = await startSystem({ sockets: 0 });
  network = await FaultyProxy.start(system.redis.url);
  socket = await system.add('socket', { REDIS_URL: network.url, POSITION_CHECK_MS: '1000' });
});

afterEach(() => {
  network.meddle = undefined;
  network.heal();
});

/** Loses, doubles and swaps a tenth of the messages each; the same at every run. */
function faults(): { meddle: Meddle; counts: { lost: number; doubled: number; swapped: number } } {
  const counts = { lost: 0, doubled: 0, swapped: 0 };
  let state = 42;
  let held: Buffer | undefined;
  const meddle: Meddle = (message) => {
    const waiting = held ? [held] : [];
    held = undefined;
    state = (state * 48_271) % 0x7fff_ffff;
    switch (Math.floor((state / 0x7fff_ffff) * 10)) {
      case 0:
        counts.lost += 1;
        return waiting;
      case 1:
        counts.doubled += 1;
        return [message, message, ...waiting];
      case 2:
        counts.swapped += 1;
        held = message;
        return waiting;
      default:
        return [message, ...waiting];
    }
  };
  return { meddle, counts };
}

describe('the exact sequence is heard although', () => {
  it('messages are lost, doubled and swapped between Redis and the gateway', async () => {
    const { meddle, counts } = faults();
    network.meddle = meddle;
    const users = await Promise.all(['ann', 'ben', 'cleo'].map((name) => system.user(name)));
    const listeners = await Promise.all(users.map((user) => user.connect(socket)));
    for (let round = 0; round < 20; round += 1) {
      await Promise.all(users.map((user) => submitAll(user, drills(5))));
    }
    await Promise.all(listeners.map((listener) => heardAll(listener, 100)));
    const filled = await metricOf(socket, 'tidings_events_filled_total');
    console.log(`gaps: ${JSON.stringify(counts)}, filled from the ledger: ${filled}`);
    for (const count of Object.values(counts)) expect(count).toBeGreaterThan(5);
    expect(filled).toBeGreaterThan(0);
    for (const { sessions } of listeners) expect(sessions).toHaveLength(1);
  });

  it('Redis brings nothing at all, without a word', async () => {
    const user = await system.user('starved');
    const listener = await user.connect(socket);
    network.meddle = () => [];
    await submitAll(user, drills(10));
    await heardAll(listener, 10);
    expect(listener.sessions).toHaveLength(1);
  });

  it('the connection to Redis is a black hole, which is noticed and replaced', async () => {
    const user = await system.user('lonely');
    const listener = await user.connect(socket);
    const before = network.opened;
    network.hang();
    await submitAll(user, drills(10));
    await heardAll(listener, 10);
    await eventually(() => expect(network.opened).toBeGreaterThan(before), { timeoutMs: 15_000 });
    network.heal();
    await eventually(
      async () => expect(await (await fetch(`${socket.url}/readyz`)).json()).toMatchObject({ status: 'ok' }),
      { timeoutMs: 10_000 },
    );
    await submitAll(user, drills(10));
    await heardAll(listener, 20);
  }, 40_000);

  it('the connection to Redis is lost again and again', async () => {
    const user = await system.user('shaken');
    const listener = await user.connect(socket);
    for (let round = 0; round < 10; round += 1) {
      await submitAll(user, drills(5));
      network.endAll();
      await submitAll(user, drills(5));
    }
    await heardAll(listener, 100);
    expect(listener.sessions).toHaveLength(1);
  });

  it('somebody publishes events that the ledger does not know, and old ones', async () => {
    const user = await system.user('deceived');
    const listener = await user.connect(socket);
    await submitAll(user, drills(3));
    await heardAll(listener, 3);
    const redis = new Redis(system.redis.url);
    const channel = `${system.redis.prefix}:{user:${user.id}}`;
    const [first] = listener.outcomes;
    const ahead = { ...first, id: '00000000-0000-7000-8000-00000000beef', offset: 1_000 };
    for (const envelope of [ahead, first]) await redis.spublish(channel, `outcome ${JSON.stringify(envelope)}`);
    redis.disconnect();
    await submitAll(user, drills(3));
    await heardAll(listener, 6);
    expect(listener.sessions).toHaveLength(1);
  });
});
