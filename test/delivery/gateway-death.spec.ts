import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  eventually,
  FaultyProxy,
  privateInstallation,
  startBalancer,
  startSystem,
  type Balancer,
  type Listener,
  type System,
  type TestUser,
} from '#testing';
import { heardAll } from './sequence.ts';

const USERS = 5;
const ACTIONS_EACH = 20;

/** The longest until everything is heard, after what was broken works again, in milliseconds. */
const HEALED_MS = 20_000;

let redis: Awaited<ReturnType<typeof privateInstallation>>;
let system: System;
let balancer: Balancer;
let runs = 0;

beforeAll(async () => {
  redis = await privateInstallation();
  system = await startSystem({ sockets: 2, redis, env: { SWEEP_AFTER_MS: '1000', SWEEP_INTERVAL_MS: '250' } });
  balancer = await startBalancer(system.sockets);
});

afterEach(async () => {
  // Whatever failed: the next test begins in good order.
  const apps = [redis, ...system.sockets, ...system.workers];
  await Promise.all(apps.map(async (app) => (app.isRunning ? undefined : app.start())));
});

interface Party {
  users: TestUser[];
  listeners: Listener[];
}

/** Users of a test of its own, so that their offsets begin at 1. */
async function newParty(url: string): Promise<Party> {
  runs += 1;
  const users = await Promise.all(Array.from({ length: USERS }, (_, index) => system.user(`user-${runs}-${index}`)));
  return { users, listeners: await Promise.all(users.map((user) => user.connect({ url }))) };
}

/** Everyone submits some of their actions, one after the other. */
async function submit({ users }: Party, count: number): Promise<void> {
  await Promise.all(
    users.map(async (user) => {
      for (let index = 0; index < count; index += 1) {
        await user.createMessage(`message ${index}`);
      }
    }),
  );
}

/** Waits until something was heard, and much is still to come. */
async function begun({ listeners }: Party): Promise<void> {
  await eventually(() => expect(listeners.some(({ offsets }) => offsets.length > 0)).toBe(true), { everyMs: 1 });
}

/** Waits until everyone has heard all of theirs, once and in order, and gives what their sessions said. */
async function allHeard({ listeners }: Party): Promise<{ recovered: boolean }[]> {
  await Promise.all(listeners.map((listener) => heardAll(listener, ACTIONS_EACH, HEALED_MS)));
  return listeners.flatMap(({ sessions }) => sessions);
}

async function readiness({ url }: { url: string }): Promise<string> {
  return ((await (await fetch(`${url}/readyz`)).json()) as { status: string }).status;
}

function isRecovered({ recovered }: { recovered: boolean }): boolean {
  return recovered;
}

describe('every outcome is heard once, and in order, although', { timeout: 40_000 }, () => {
  it('a gateway is killed, and its clients go on at another one', async () => {
    const party = await newParty(balancer.url);
    const [victim] = system.sockets;
    const orphans = party.listeners.filter(({ session }) => session.instance === victim!.name);
    expect(orphans.length).toBeGreaterThan(0);
    expect(orphans.length).toBeLessThan(USERS);
    const submitting = submit(party, ACTIONS_EACH);
    await begun(party);
    await victim!.kill();
    await submitting;
    expect((await allHeard(party)).every(isRecovered)).toBe(true);
    for (const { sessions } of orphans) expect(sessions.at(-1)!.instance).toBe(system.sockets[1]!.name);
  });

  it('all clients are cut off for a while', async () => {
    const network = await FaultyProxy.start(system.sockets[0]!.url);
    const party = await newParty(network.url);
    await submit(party, 5);
    network.cut();
    await submit(party, ACTIONS_EACH - 5);
    network.heal();
    expect((await allHeard(party)).every(isRecovered)).toBe(true);
    for (const { sessions } of party.listeners) expect(sessions.length).toBeGreaterThan(1);
  });

  it('Redis is down for a while', async () => {
    const party = await newParty(balancer.url);
    const submitting = submit(party, ACTIONS_EACH);
    await begun(party);
    await redis.kill();
    await submitting;
    for (const app of [system.api, ...system.sockets]) {
      await eventually(async () => expect(await readiness(app)).toBe('degraded'), { timeoutMs: 10_000 });
    }
    await redis.start();
    expect((await allHeard(party)).every(isRecovered)).toBe(true);
  });

  it('a worker is killed', async () => {
    const party = await newParty(balancer.url);
    const [worker] = system.workers;
    const submitting = submit(party, ACTIONS_EACH);
    await begun(party);
    await worker!.kill();
    await submitting;
    await worker!.start();
    expect((await allHeard(party)).every(isRecovered)).toBe(true);
  });
});
