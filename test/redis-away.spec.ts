import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AcceptedAction } from '#contracts';
import { eventually, privateRedis, startSystem, type Listener, type System, type TestUser } from '#testing';

/** The longest that a submit may take while Redis is away, in milliseconds. */
const ANSWER_MS = 1_000;

/** The longest until everything is answered, after Redis is back, in milliseconds. */
const HEALED_MS = 15_000;

let redis: Awaited<ReturnType<typeof privateRedis>>;
let folder: string;
let system: System;
let alice: TestUser;
let listeners: Listener[];
const accepted: AcceptedAction[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tidings-redis-'));
  redis = await privateRedis({ folder });
  system = await startSystem({ sockets: 2, redis, env: { SWEEP_AFTER_MS: '1000', SWEEP_INTERVAL_MS: '250' } });
  alice = await system.user('alice');
  listeners = await Promise.all(system.sockets.map((socket) => alice.connect(socket)));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

/** Submits and fails when the answer takes long. */
async function submitInTime(text: string): Promise<AcceptedAction> {
  const startedAt = performance.now();
  const action = await alice.createMessage(text);
  accepted.push(action);
  expect(performance.now() - startedAt).toBeLessThan(ANSWER_MS);
  return action;
}

/** A create and edits of one message, then a burst of creates. */
async function submitMuch(burst: number): Promise<void> {
  const { resource } = await submitInTime('first');
  for (let edit = 1; edit <= 5; edit += 1) accepted.push(await alice.editMessage(resource.id, `edit ${edit}`));
  await Promise.all(Array.from({ length: burst }, (_, index) => submitInTime(`burst ${index}`)));
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

/** Everything accepted so far was answered on each socket once, without a hole, in order per resource. */
async function expectAllAnswered(): Promise<void> {
  for (const listener of listeners) {
    await listener.outcomesOf(accepted, HEALED_MS);
    expect(listener.offsets).toEqual(accepted.map((_, index) => index + 1));
    expect(listener.outcomes.map(({ type }) => type)).toEqual(accepted.map(() => 'action.succeeded'));
    expect(orderOfResources(listener.outcomes.map(({ data }) => data))).toEqual(orderOfResources(accepted));
    expect(listener.sessions).toHaveLength(1);
  }
}

function orderOfResources(actions: readonly Pick<AcceptedAction, 'id' | 'resource'>[]): Record<string, string[]> {
  const order: Record<string, string[]> = {};
  for (const { id, resource } of actions) (order[resource.id] ??= []).push(id);
  return order;
}

describe('while Redis is away, submits are accepted as ever, and answered when it is back, with no restart:', () => {
  it('killed and started again with its data', async () => {
    const pids = system.pids();
    await redis.kill();
    await expectReadiness(system.api, 'degraded');
    await submitMuch(200);
    await redis.start();
    await expectAllAnswered();
    expect(system.pids()).toEqual(pids);
    await expectReadiness(system.api, 'ok');
  });

  it('hung, and then going on', async () => {
    const pids = system.pids();
    await redis.kill('SIGSTOP');
    await submitMuch(200);
    await expectReadiness(system.api, 'degraded');
    // Beyond all deadlines: even who only listens has noticed.
    await expectReadiness(system.sockets[0]!, 'degraded');
    await submitMuch(20);
    await redis.kill('SIGCONT');
    await expectAllAnswered();
    expect(system.pids()).toEqual(pids);
  });

  it('killed and started again, empty', async () => {
    const pids = system.pids();
    await submitMuch(20);
    await redis.kill();
    for (const entry of await readdir(folder)) {
      if (entry.startsWith('appendonly')) await rm(join(folder, entry), { recursive: true });
    }
    await submitMuch(20);
    await redis.start();
    await expectAllAnswered();
    expect(system.pids()).toEqual(pids);
  });

  it('killed in the middle of the work', async () => {
    const working = submitMuch(200);
    await eventually(() => expect(listeners[0]!.outcomes.length).toBeGreaterThan(accepted.length / 2));
    await redis.kill();
    await working;
    await redis.start();
    await expectAllAnswered();
  });

  it('is taken up by sockets that connect meanwhile', async () => {
    await redis.kill();
    const late = await alice.connect(system.sockets[0]!);
    listeners.push(late);
    const action = await submitInTime('meanwhile');
    await redis.start();
    await late.outcomeOf(action, HEALED_MS);
    expect(late.offsets).toEqual([accepted.length]);
    listeners.pop();
    await expectAllAnswered();
  });
});
