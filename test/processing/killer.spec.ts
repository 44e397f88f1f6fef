import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { eventually, LedgerCheck, startSystem } from '#testing';
import { drill, drills, submitAll, superviseWorkers } from './drills.ts';

/** Whoever ends its process each time has ended as `failed` by then, in milliseconds; these tests share the machine. */
const BOUND_MS = 150_000;

/** Two while nobody is suspected, then one an attempt; and some more of a ticket that came back meanwhile. */
const MOST_DEATHS = 8;

it.concurrent(
  'an action that ends its process each time fails within a bound; those in its ticket, and those that come later, succeed',
  { timeout: BOUND_MS + 30_000 },
  async () => {
    const system = await startSystem({ sockets: 0, workers: 2, env: { MAX_ATTEMPTS: '3' } });
    const ledger = new LedgerCheck(system.database);
    const alice = await system.user('alice');
    const supervisor = superviseWorkers(system);
    const mates = drills(49);
    mates.splice(20, 0, drill({ fault: 'exit' }));
    const poison = (await submitAll(alice, mates))[20]!;
    await eventually(() => expect(supervisor.deaths()).toBeGreaterThan(0), { timeoutMs: 60_000 });
    await submitAll(alice, drills(20));
    await ledger.settled(BOUND_MS);
    expect(await ledger.report()).toEqual({ ended: { succeeded: 69, failed: 1 }, violations: [] });
    expect(await alice.action(poison.id)).toMatchObject({
      status: 'failed',
      attempts: 3,
      error: { code: 'ATTEMPTS_EXHAUSTED' },
    });
    expect(supervisor.deaths()).toBeLessThanOrEqual(MOST_DEATHS);
    supervisor.stop();
    await ledger.close();
    await system.stop();
  },
);

it.concurrent(
  'so does one that does it while it performs, between others on its resource',
  { timeout: BOUND_MS + 30_000 },
  async () => {
    const system = await startSystem({ sockets: 0, workers: 2, env: { MAX_ATTEMPTS: '2' } });
    const ledger = new LedgerCheck(system.database);
    const alice = await system.user('alice');
    const supervisor = superviseWorkers(system);
    const resource = randomUUID();
    const [, poison] = await submitAll(alice, [
      drill({}, resource),
      drill({ fault: 'exit', inPerform: true }, resource),
      drill({}, resource),
    ]);
    await submitAll(alice, drills(20, { performMs: 200 }));
    await ledger.settled(BOUND_MS);
    expect(await ledger.report()).toEqual({ ended: { succeeded: 22, failed: 1 }, violations: [] });
    expect((await alice.action(poison!.id)).status).toBe('failed');
    expect(supervisor.deaths()).toBeLessThanOrEqual(MOST_DEATHS);
    supervisor.stop();
    await ledger.close();
    await system.stop();
  },
);

it.concurrent(
  'so does one among many that take long to perform, none of which has the time to end before it dies',
  { timeout: BOUND_MS + 90_000 },
  async () => {
    const system = await startSystem({ sockets: 0, workers: 2, env: { MAX_ATTEMPTS: '2' } });
    const ledger = new LedgerCheck(system.database);
    const alice = await system.user('alice');
    const supervisor = superviseWorkers(system);
    const mates = drills(99, { performMs: 4_000 });
    mates.splice(50, 0, drill({ fault: 'exit', inPerform: true }));
    const poison = (await submitAll(alice, mates))[50]!;
    await ledger.settled(BOUND_MS + 30_000);
    expect(await ledger.report()).toEqual({ ended: { succeeded: 99, failed: 1 }, violations: [] });
    expect(await alice.action(poison.id)).toMatchObject({ attempts: 2, error: { code: 'ATTEMPTS_EXHAUSTED' } });
    // No other has a death counted against it.
    const [others] = await ledger.query<{ most: number }>(
      'select max(attempts)::integer as most from actions where id <> $1',
      [poison.id],
    );
    expect(others!.most).toBe(1);
    expect(supervisor.deaths()).toBeLessThanOrEqual(MOST_DEATHS);
    supervisor.stop();
    await ledger.close();
    await system.stop();
  },
);
