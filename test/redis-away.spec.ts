import { glob, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { AcceptedAction } from '#contracts';
import { eventually, privateInstallation, startSystem, type Listener, type System, type TestUser } from '#testing';

/** The longest that a submit may take while Redis is away, in milliseconds. */
const SLOWEST_MS = 5_000;

/** The longest until everything is answered, after Redis is back, in milliseconds. */
const HEALED_MS = 15_000;

let redis: Awaited<ReturnType<typeof privateInstallation>>;
let folder: string;
let system: System;
let alice: TestUser;
let listeners: Listener[];
const accepted: AcceptedAction[] = [];
const latencies: number[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tidings-redis-'));
  redis = await privateInstallation({ folder });
  system = await startSystem({ sockets: 2, redis, env: { SWEEP_AFTER_MS: '1000', SWEEP_INTERVAL_MS: '250' } });
  alice = await system.user('alice');
  listeners = await Promise.all(system.sockets.map((socket) => alice.connect(socket)));
  await submitMuch(200);
});

afterEach(async () => {
  // Whatever failed: the next test begins in good order.
  await redis.kill('SIGCONT');
  if (!redis.isRunning) await redis.start();
  system.assertUnharmed();
});

afterAll(() => rm(folder, { recursive: true, force: true }));

/** Submits, and keeps what was accepted, and how long that took. */
async function submit(answering: () => Promise<AcceptedAction>): Promise<AcceptedAction> {
  const startedAt = performance.now();
  const action = await answering();
  accepted.push(action);
  latencies.push(performance.now() - startedAt);
  return action;
}

/** A create and edits of one message, then a burst of creates: none waits for Redis. */
async function submitMuch(burst: number): Promise<void> {
  latencies.splice(0);
  const { resource } = await submit(() => alice.createMessage('first'));
  for (let edit = 1; edit <= 5; edit += 1) await submit(() => alice.editMessage(resource.id, `edit ${edit}`));
  await Promise.all(Array.from({ length: burst }, (_, index) => submit(() => alice.createMessage(`burst ${index}`))));
  latencies.sort((a, b) => a - b);
  expect(latencies.at(-1)).toBeLessThan(SLOWEST_MS);
  // Below the deadlines that are set to Redis: if one waited for it, all would, and not only those of a busy moment.
  expect(latencies[3]).toBeLessThan(1_000);
  expect(latencies[latencies.length >> 1]).toBeLessThan(2_000);
}

/** Ready all the same: a degraded app serves. */
async function expectReadiness(app: { url: string }, status: 'ok' | 'degraded'): Promise<void> {
  await eventually(
    async () => {
      const response = await fetch(`${app.url}/readyz`);
      expect(response.status).toBe(200);
      expect(await response.json()).toMatchObject({ status });
    },
    { timeoutMs: HEALED_MS },
  );
}

interface Heard {
  offsets: number[];
  types: string[];
  order: Record<string, string[]>;
  sessions: number;
}

/** What each socket has heard, once it has heard of everything that was accepted. */
function heard(): Promise<Heard[]> {
  return Promise.all(
    listeners.map(async (listener) => {
      await listener.outcomesOf(accepted, HEALED_MS);
      const { offsets, outcomes, sessions } = listener;
      const types = [...new Set(outcomes.map(({ type }) => type))];
      return { offsets, types, order: orderOfResources(outcomes.map(({ data }) => data)), sessions: sessions.length };
    }),
  );
}

/** Everything accepted, once, without a hole, in order per resource, and on one connection. */
function allAnswered(): Heard[] {
  const offsets = accepted.map((_, index) => index + 1);
  const all = { offsets, types: ['action.succeeded'], order: orderOfResources(accepted), sessions: 1 };
  return listeners.map(() => all);
}

function orderOfResources(actions: readonly Pick<AcceptedAction, 'id' | 'resource'>[]): Record<string, string[]> {
  const order: Record<string, string[]> = {};
  for (const { id, resource } of actions) (order[resource.id] ??= []).push(id);
  return order;
}

// Longer than what is waited for within, which tells what is missing.
describe(
  'while Redis is away, submits are accepted as ever, and answered when it is back, with no restart:',
  { timeout: 60_000 },
  () => {
    it('killed and started again with its data', async () => {
      await redis.kill();
      await expectReadiness(system.api, 'degraded');
      await submitMuch(200);
      await redis.start();
      expect(await heard()).toEqual(allAnswered());
      await expectReadiness(system.api, 'ok');
    });

    it('hung, and then going on', async () => {
      await redis.kill('SIGSTOP');
      await submitMuch(200);
      await expectReadiness(system.api, 'degraded');
      // Beyond all deadlines: even who only listens has noticed.
      await expectReadiness(system.sockets[0]!, 'degraded');
      await submitMuch(20);
      await redis.kill('SIGCONT');
      expect(await heard()).toEqual(allAnswered());
    });

    it('killed and started again, empty', async () => {
      await submitMuch(20);
      await redis.kill();
      for await (const data of glob('**/appendonlydir', { cwd: folder }))
        await rm(join(folder, data), { recursive: true });
      await submitMuch(20);
      await redis.start();
      expect(await heard()).toEqual(allAnswered());
    });

    it('killed in the middle of the work', async () => {
      const before = listeners[0]!.outcomes.length;
      const working = submitMuch(200);
      await eventually(() => expect(listeners[0]!.outcomes.length).toBeGreaterThan(before + 20));
      await redis.kill();
      await working;
      await redis.start();
      expect(await heard()).toEqual(allAnswered());
    });

    it('is taken up by sockets that connect meanwhile', async () => {
      await redis.kill();
      const late = await alice.connect(system.sockets[0]!);
      listeners.push(late);
      const action = await submit(() => alice.createMessage('meanwhile'));
      await redis.start();
      await late.outcomeOf(action, HEALED_MS);
      expect(late.offsets).toEqual([accepted.length]);
      listeners.pop();
      expect(await heard()).toEqual(allAnswered());
    });
  },
);
