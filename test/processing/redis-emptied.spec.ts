import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, LedgerCheck, privateInstallation, startSystem, type System, type TestUser } from '#testing';
import { drill, drills, submitAll } from './drills.ts';
import { finishMore } from './finish-more.ts';

let system: System;
let ledger: LedgerCheck;
let redis: Awaited<ReturnType<typeof privateInstallation>>;
let alice: TestUser;

beforeAll(async () => {
  redis = await privateInstallation();
  system = await startSystem({ sockets: 1, workers: 0, redis, env: { SWEEP_AFTER_MS: '1000' } });
  ledger = new LedgerCheck(system.database);
  alice = await system.user('alice');
});

afterAll(async () => {
  await ledger.close();
  await system.stop();
});

describe('when Redis is emptied', () => {
  it('with 1000 actions pending, all are answered without help, and heard', async () => {
    const listener = await alice.connect(system.sockets[0]!);
    const actions = await submitAll(alice, drills(1_000));
    await redis.empty();
    await system.add('worker');
    await system.add('worker');
    await listener.outcomesOf(actions, 30_000);
    expect(listener.offsets).toEqual(actions.map((_, index) => index + 1));
    expect(await ledger.report()).toEqual({ ended: { succeeded: 1_000 }, violations: [] });
    listener.close();
  }, 60_000);

  it('what comes behind hundreds that nobody can do is found all the same', async () => {
    const own = await privateInstallation();
    const other = await startSystem({ sockets: 0, workers: 0, redis: own, env: { SWEEP_AFTER_MS: '1000' } });
    const bob = await other.user('bob');
    const check = new LedgerCheck(other.database);
    await submitAll(bob, drills(600));
    await check.query(`update actions set type = 'unknown.create'`);
    const [lost] = await submitAll(bob, drills(1));
    await own.empty();
    await other.add('worker');
    await eventually(async () => expect((await bob.action(lost!.id)).done).toBe(true), { timeoutMs: 30_000 });
    await check.close();
    await other.stop();
  });

  it('again and again while actions are performed, retried and swept, each takes effect once', async () => {
    for (let round = 0; round < 5; round += 1) {
      await submitAll(alice, [
        ...drills(50, { performMs: 300 }),
        ...drills(20, { fault: 'throw', faultyAttempts: 1 }),
        ...drills(30),
      ]);
      // Each time a little further on.
      await finishMore(ledger, 10 + round * 15);
      await redis.empty();
    }
    // A long one must not keep the sweeper from the others.
    const [long] = await submitAll(alice, [drill({ performMs: 20_000 })]);
    await eventually(async () => expect((await alice.action(long!.id)).status).toBe('running'), { timeoutMs: 20_000 });
    const [lost] = await submitAll(alice, drills(1));
    await redis.empty();
    await eventually(async () => expect((await alice.action(lost!.id)).done).toBe(true));
    expect((await alice.action(long!.id)).done).toBe(false);
    await ledger.settled(60_000);
    expect(await ledger.report()).toEqual({ ended: { succeeded: 1_502 }, violations: [] });
  }, 120_000);
});
