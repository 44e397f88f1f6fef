import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { LedgerCheck, startSystem } from '#testing';
import { drill, submitAll, type BatchItem, type DrillPayload } from './drills.ts';

const RESOURCES = 50;
const ACTIONS_EACH = 20;
const MOST_WORK_MS = 20;
const RETRIED = 0.05;

/** The actions of all resources by turns, with random work; some fail at their first attempt. */
function mixedLoad(): BatchItem[] {
  const resources = Array.from({ length: RESOURCES }, () => randomUUID());
  return Array.from({ length: ACTIONS_EACH }, () => resources)
    .flat()
    .map((resource) => {
      const performMs = Math.floor(Math.random() * MOST_WORK_MS);
      const fails = Math.random() < RETRIED;
      return drill(
        { performMs, ...(fails && { fault: 'throw', faultyAttempts: 1, inPerform: Math.random() < 0.5 }) },
        resource,
      );
    });
}

const LATENCIES = `
select extract(epoch from finished_at - submitted_at)::double precision * 1000 as ms
from actions where type = 'drills.edit' and payload->>'performMs' is null order by 1`;

const LATENCIES_OF_MESSAGES = `
select extract(epoch from finished_at - submitted_at)::double precision * 1000 as ms
from actions where type = 'messages.create' order by 1`;

/** Drills that do nothing special. */
const QUIET: readonly DrillPayload[] = Array.from({ length: 120 }, () => ({}));

describe('the order on a resource', () => {
  it.concurrent('holds over four workers, random work and retries', async () => {
    const system = await startSystem({ sockets: 0, workers: 4, env: { RETRY_BACKOFF_MS: '40' } });
    const ledger = new LedgerCheck(system.database);
    await submitAll(await system.user('alice'), mixedLoad());
    await ledger.settled(30_000);
    expect(await ledger.report()).toEqual({ ended: { succeeded: RESOURCES * ACTIONS_EACH }, violations: [] });
    const [retries] = await ledger.query<{ size: number }>(
      'select count(*)::integer as size from actions where attempts > 1',
    );
    expect(retries!.size).toBeGreaterThan(0);
    await ledger.close();
    await system.stop();
  }, 60_000);

  it.concurrent('holds behind a retry, and those behind it go on as soon as it is done', async () => {
    const system = await startSystem({
      sockets: 0,
      workers: 2,
      env: { RETRY_BACKOFF_MS: '200', SWEEP_AFTER_MS: '60000' },
    });
    const ledger = new LedgerCheck(system.database);
    const resources = Array.from({ length: 10 }, () => randomUUID());
    await submitAll(
      await system.user('alice'),
      resources.flatMap((resource) =>
        [
          { fault: 'throw', faultyAttempts: 2 } as const,
          { fault: 'throw', faultyAttempts: 1 } as const,
          ...QUIET,
          { fault: 'reject' } as const,
          {},
        ].map((payload) => drill(payload, resource)),
      ),
    );
    // The sweeper is no help here.
    await ledger.settled(15_000);
    expect(await ledger.report()).toEqual({ ended: { succeeded: 1_230, failed: 10 }, violations: [] });
    await ledger.close();
    await system.stop();
  }, 60_000);

  it('makes nobody else wait: not for long work, not for many actions on one resource', async () => {
    const system = await startSystem({ sockets: 0, workers: 1 });
    const ledger = new LedgerCheck(system.database);
    const alice = await system.user('alice');
    // More than the worker takes tickets for other work.
    for (let ticket = 0; ticket < 60; ticket += 1) await submitAll(alice, [drill({ performMs: 2_000 })]);
    const hot = randomUUID();
    await submitAll(
      alice,
      Array.from({ length: 500 }, () => ({ type: 'drills.delete', resourceId: hot })),
    );
    for (let stranger = 0; stranger < 100; stranger += 1) await submitAll(alice, [drill()]);
    await ledger.settled(20_000);
    const latencies = (await ledger.query<{ ms: number }>(LATENCIES)).map(({ ms }) => ms);
    expect(latencies).toHaveLength(100);
    // Nobody waits for the work of 2 s.
    expect(latencies[98]).toBeLessThan(2_000);
    expect((await ledger.report()).violations).toEqual([]);
    await ledger.close();
    await system.stop();
  }, 60_000);

  it('keeps nobody waiting by those for which there is no room to perform', async () => {
    const system = await startSystem({ sockets: 0, workers: 1 });
    const ledger = new LedgerCheck(system.database);
    const alice = await system.user('alice');
    // Many more than are performed at once, each with a ticket of its own.
    for (let ticket = 0; ticket < 500; ticket += 1) await submitAll(alice, [drill({ performMs: 4_000 })]);
    for (let stranger = 0; stranger < 20; stranger += 1) await alice.createMessage('hello');
    await ledger.settled(60_000);
    const latencies = (await ledger.query<{ ms: number }>(LATENCIES_OF_MESSAGES)).map(({ ms }) => ms);
    // If one had waited for all of these, each would have.
    expect(latencies[3]).toBeLessThan(1_000);
    expect((await ledger.report()).violations).toEqual([]);
    await ledger.close();
    await system.stop();
  }, 120_000);
});
