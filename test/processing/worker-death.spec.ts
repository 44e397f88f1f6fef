import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, LedgerCheck, startSystem, type System, type TestUser } from '#testing';
import { drills, submitAll, superviseWorkers } from './drills.ts';
import { finishMore } from './finish-more.ts';

let system: System;
let ledger: LedgerCheck;
let alice: TestUser;
let supervisor: ReturnType<typeof superviseWorkers>;

async function start(): Promise<void> {
  system = await startSystem({ sockets: 0, workers: 2 });
  ledger = new LedgerCheck(system.database);
  alice = await system.user('alice');
  supervisor = superviseWorkers(system);
}

async function stop(): Promise<void> {
  supervisor.stop();
  await ledger.close();
  await system.stop();
}

describe('a worker that is killed', () => {
  beforeAll(start);
  afterAll(stop);

  it('again and again at random costs time only: every action once, the last soon after', async () => {
    await submitAll(alice, [...drills(500, { performMs: 30 }), ...drills(500)]);
    for (let kill = 0; kill < 6; kill += 1) {
      const victim = system.workers[kill % 2]!;
      await eventually(() => expect(victim.isRunning).toBe(true));
      await finishMore(ledger, Math.ceil(Math.random() * 100));
      await victim.kill();
      await submitAll(alice, [...drills(100), ...drills(50, { performMs: 20 })]);
    }
    await eventually(() => expect(supervisor.areBack()).toBe(true), { timeoutMs: 30_000 });
    await ledger.settled(15_000);
    expect(supervisor.deaths()).toBeGreaterThanOrEqual(6);
    expect(await ledger.report()).toEqual({ ended: { succeeded: 1_900 }, violations: [] });
  }, 90_000);

  it.concurrent.for([
    'apply.before-lock',
    'apply.before-commit:2',
    'apply.after-commit:3',
    'apply.after-publish:2',
    'perform.before-start',
    'perform.after-end:3',
  ])('at %s has done nothing twice, and leaves nothing undone', { timeout: 120_000 }, async (CRASH_POINT) => {
    const dying = await startSystem({ sockets: 0, workers: 0 });
    const own = new LedgerCheck(dying.database);
    const worker = await dying.add('worker', { CRASH_POINT });
    await submitAll(await dying.user('bob'), [...drills(60), ...drills(20, { performMs: 10 })]);
    await worker.ended();
    await dying.add('worker');
    await own.settled(15_000);
    expect(await own.report()).toEqual({ ended: { succeeded: 80 }, violations: [] });
    await own.close();
    await dying.stop();
  });
});
