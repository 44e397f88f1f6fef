import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LedgerCheck, privateInstallation, startSystem, type System, type TestUser } from '#testing';
import { drill, drills, submitAll } from './drills.ts';

const TTL_SECONDS = 6;

let redis: Awaited<ReturnType<typeof privateInstallation>>;
let system: System;
let ledger: LedgerCheck;
let alice: TestUser;

beforeAll(async () => {
  redis = await privateInstallation();
  system = await startSystem({
    sockets: 1,
    workers: 2,
    redis,
    env: { ACTION_TTL_SECONDS: String(TTL_SECONDS), SWEEP_INTERVAL_MS: '250' },
  });
  ledger = new LedgerCheck(system.database);
  alice = await system.user('alice');
});

afterAll(async () => {
  await ledger.close();
  await system.stop();
});

describe('an action that is not finished in time', () => {
  it('expires while it is performed; what waits behind it does so in its turn', async () => {
    const resource = randomUUID();
    const listener = await alice.connect(system.sockets[0]!);
    const actions = await submitAll(alice, [drill({ performMs: 30_000 }, resource), drill({}, resource), drill()]);
    await listener.outcomesOf(actions, 20_000);
    const statuses = new Map(listener.outcomes.map(({ data }) => [data.id, data.status]));
    expect(actions.map(({ id }) => statuses.get(id))).toEqual(['expired', 'expired', 'succeeded']);
    expect((await ledger.report()).violations).toEqual([]);
    listener.close();
  });

  it.for(['killed', 'hung'] as const)(
    'expires when Redis is %s, and its owner hears it later',
    { timeout: 40_000 },
    async (how) => {
      await redis.kill(how === 'killed' ? 'SIGKILL' : 'SIGSTOP');
      const actions = await submitAll(alice, drills(500));
      await ledger.settled(TTL_SECONDS * 1_000 + 15_000);
      if (how === 'killed') await redis.start();
      else await redis.kill('SIGCONT');
      const listener = await alice.connect(system.sockets[0]!, { cursor: actions[0]!.cursor });
      await listener.outcomesOf(actions);
      // Some may have been taken before the connections had noticed.
      const { ended, violations } = await ledger.report();
      expect(violations).toEqual([]);
      expect(ended['expired']).toBeGreaterThan(400);
      listener.close();
    },
  );
});
