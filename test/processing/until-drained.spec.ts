import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, LedgerCheck, startSystem, type System, type TestUser } from '#testing';
import { drill, drills, submitAll } from './drills.ts';

let system: System;
let ledger: LedgerCheck;
let alice: TestUser;

beforeAll(async () => {
  system = await startSystem({ workers: 0, sockets: 0 });
  ledger = new LedgerCheck(system.database);
  alice = await system.user('alice');
});

afterAll(() => ledger.close());

/** Runs a worker to its end; rejects unless that is 0. */
async function runUntilDrained(...args: string[]): Promise<void> {
  const env = {
    ...process.env,
    NODE_ENV: 'test',
    LOG_LEVEL: 'warn',
    HOST: '127.0.0.1',
    PORT: '0',
    DATABASE_URL: system.database,
    REDIS_URL: system.redis.url,
    REDIS_PREFIX: system.redis.prefix,
  };
  await promisify(execFile)(process.execPath, ['dist/apps/worker/src/main.js', '--until-drained', ...args], { env });
}

describe('a worker that runs until all is drained', { timeout: 120_000 }, () => {
  it('ends with 0 when every action has its outcome, those that are performed or tried again among them', async () => {
    await submitAll(alice, [
      ...drills(50),
      ...drills(3, { performMs: 800 }),
      drill({ fault: 'throw', faultyAttempts: 1 }),
      drill({ fault: 'throw', faultyAttempts: 1, inPerform: true }),
    ]);
    await runUntilDrained();
    expect(await ledger.report()).toEqual({ ended: { succeeded: 55 }, violations: [] });
  });

  it('ends when there is nothing to do, and leaves to a later run what is due much later, and what is behind that', async () => {
    const { resourceId } = drill();
    const [action] = await submitAll(alice, [drill({}, resourceId), drill(), drill({}, resourceId)]);
    await ledger.query(`update actions set run_at = now() + interval '1 hour' where id = $1`, [action!.id]);
    await runUntilDrained();
    expect(await ledger.unfinished()).toBe(2);
    await ledger.query(`update actions set run_at = null where id = $1`, [action!.id]);
    await runUntilDrained();
    expect(await ledger.unfinished()).toBe(0);
  });

  it('stays while another worker is at work', async () => {
    await system.add('worker');
    await submitAll(alice, [drill({ performMs: 15_000 })]);
    await eventually(async () => {
      expect(await ledger.query(`select from actions where status = 'running'`)).toHaveLength(1);
    });
    await runUntilDrained();
    expect(await ledger.unfinished()).toBe(0);
  });

  it('refuses what it does not understand', async () => {
    await expect(runUntilDrained('--unknown')).rejects.toThrow(`cannot start: Unknown option '--unknown'`);
  });
});
