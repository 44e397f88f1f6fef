import { beforeAll, describe, expect, it } from 'vitest';
import type { Problem } from '#contracts';
import { eventually, privateInstallation, startSystem, type System, type TestUser } from '#testing';

interface Stats {
  instances: { id: string; app: string; connections: number; users: number; startedAt: string; heartbeatAt: string }[];
  connections: number;
  users: number;
  queue: { waiting: number; active: number; delayed: number } | null;
  ledger: { pending: number; oldestPendingMs: number };
  degraded?: true;
}

const PATIENT = { timeoutMs: 20_000 };

let redis: Awaited<ReturnType<typeof privateInstallation>>;
let system: System;
let operator: TestUser;

beforeAll(async () => {
  redis = await privateInstallation();
  system = await startSystem({ sockets: 2, redis });
  operator = await system.user('operator', { scopes: ['ops'] });
});

async function stats(): Promise<Stats> {
  const { status, body } = await operator.call<Stats>('GET', '/v1/stats');
  expect(status).toBe(200);
  return body;
}

function names({ instances }: Stats): string[] {
  return instances.map(({ app, id }) => `${app} ${id}`).toSorted();
}

function running(): string[] {
  const { apis, workers, sockets } = system;
  const all = { api: apis, worker: workers, socket: sockets };
  const named = Object.entries(all).flatMap(([app, instances]) => instances.map((each) => [app, each] as const));
  return named
    .filter(([, { isRunning }]) => isRunning)
    .map(([app, { name }]) => `${app} ${name}`)
    .toSorted();
}

describe('GET /v1/stats', { timeout: 60_000 }, () => {
  it('is for operators only', async () => {
    const alice = await system.user('alice');
    const { status, body } = await alice.call<Problem>('GET', '/v1/stats');
    expect({ status, code: body.code }).toEqual({ status: 403, code: 'FORBIDDEN' });
  });

  it('shows every instance with its connections and users', async () => {
    const alice = await system.user('alice');
    const [first, second] = system.sockets;
    await Promise.all([alice.connect(first!), alice.connect(first!), alice.connect(second!)]);
    await eventually(async () => {
      const now = await stats();
      expect(names(now)).toEqual(running());
      const loads = system.sockets.map(({ name }) => now.instances.find(({ id }) => id === name));
      expect(loads).toMatchObject([
        { connections: 2, users: 1 },
        { connections: 1, users: 1 },
      ]);
      expect(now).toMatchObject({ connections: 3, users: 2 });
      expect(now).not.toHaveProperty('degraded');
    }, PATIENT);
  });

  it('shows what waits for a worker, in the queue and in the ledger', async () => {
    const alice = await system.user('alice');
    expect(await stats()).toMatchObject({ ledger: { pending: 0, oldestPendingMs: 0 } });
    await system.workers[0]!.kill();
    for (let index = 0; index < 3; index += 1) await alice.createMessage('waits');
    await eventually(async () => {
      const { queue, ledger, ...now } = await stats();
      expect(queue!.waiting + queue!.active + queue!.delayed).toBeGreaterThan(0);
      expect(ledger.pending).toBe(3);
      expect(ledger.oldestPendingMs).toBeGreaterThan(0);
      expect(names({ queue, ledger, ...now })).toEqual(running());
    }, PATIENT);
    await system.workers[0]!.start();
    await eventually(async () => {
      const now = await stats();
      expect(now).toMatchObject({
        queue: { waiting: 0, active: 0, delayed: 0 },
        ledger: { pending: 0, oldestPendingMs: 0 },
      });
      expect(names(now)).toEqual(running());
    }, PATIENT);
  });

  it('is answered while Redis is away or hangs, without what Redis knows', async () => {
    for (const [away, back] of [
      [() => redis.kill('SIGSTOP'), () => redis.kill('SIGCONT')],
      [() => redis.kill(), () => redis.start()],
    ] as const) {
      await away();
      const degraded = { instances: [], connections: 0, users: 0, queue: null, degraded: true };
      await eventually(async () => expect(await stats()).toMatchObject(degraded), PATIENT);
      await back();
      await eventually(async () => {
        const now = await stats();
        expect(now).not.toHaveProperty('degraded');
        expect(names(now)).toEqual(running());
      }, PATIENT);
    }
  });
});
