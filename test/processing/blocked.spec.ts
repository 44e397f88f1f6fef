import { Queue } from 'bullmq';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { connectRedis } from '#redis';
import { eventually, LedgerCheck, startSystem, type System } from '#testing';

let system: System;
let ledger: LedgerCheck;
let queue: Queue;

beforeAll(async () => {
  system = await startSystem({ sockets: 0, workers: 0 });
  ledger = new LedgerCheck(system.database);
  queue = new Queue('tickets', {
    connection: connectRedis(system.redis.url, { name: 'blocked.spec' }),
    prefix: `{${system.redis.prefix}}`,
  });
});

afterAll(async () => {
  await queue.close();
  await ledger.close();
  await system.stop();
});

it('an action that cannot be applied for long keeps one ticket, however often the sweeper finds it', async () => {
  const alice = await system.user('alice');
  await alice.submit('POST', '/v1/messages', { body: { text: 'hello' } });
  // As if a later version had accepted it.
  await ledger.query(`update actions set type = 'unknown.create'`);
  await system.add('worker', { SWEEP_AFTER_MS: '100', SWEEP_INTERVAL_MS: '50' });
  const seen = new Set<string | undefined>();
  let most = 0;
  const look = async (): Promise<void> => {
    const jobs = await queue.getJobs(['delayed', 'waiting', 'prioritized', 'active']);
    const tickets = jobs.filter((job) => job?.name === 'blocked');
    for (const { id } of tickets) seen.add(id);
    most = Math.max(most, tickets.length);
    expect(seen.size).toBeGreaterThan(4);
  };
  await eventually(look, { timeoutMs: 30_000 });
  // One that is looked at, and the next one.
  expect(most).toBeLessThanOrEqual(2);
});
