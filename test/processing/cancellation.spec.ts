import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Action } from '#contracts';
import { eventually, LedgerCheck, startSystem, TestUser, type Listener, type System } from '#testing';
import { drill, submitAll } from './drills.ts';

const RACES = 300;

let system: System;
let ledger: LedgerCheck;
let alice: TestUser;
let listener: Listener;

beforeAll(async () => {
  // The sweeper is no help.
  system = await startSystem({ apis: 2, sockets: 1, workers: 2, env: { SWEEP_AFTER_MS: '60000' } });
  ledger = new LedgerCheck(system.database);
  alice = await system.user('alice');
  listener = await alice.connect(system.sockets[0]!);
});

afterAll(async () => {
  listener.close();
  await ledger.close();
  await system.stop();
});

describe('cancelling', () => {
  it(`races completion ${RACES} times: one outcome each, and ledger, resource and event agree`, async () => {
    const other = await TestUser.signIn('alice', system.apis[1]!.url);
    // From done at once to done after the last cancel, however late that comes: each side wins some of the races.
    const work = Array.from({ length: RACES }, (_, index) =>
      drill({ performMs: index % 10 === 0 ? 20_000 : (index * 7) % 500 }),
    );
    const actions = await submitAll(alice, work);
    const answers = await Promise.all(
      actions.map(async ({ id }, index) => {
        await delay(Math.random() * 400);
        return (index % 2 === 0 ? alice : other).call<Action>('DELETE', `/v1/actions/${id}`);
      }),
    );
    await ledger.settled(10_000);
    await listener.outcomesOf(actions);
    expect(listener.offsets).toEqual(actions.map((_, index) => index + 1));
    const report = await ledger.report();
    expect(report.violations).toEqual([]);
    expect(Object.keys(report.ended).toSorted()).toEqual(['cancelled', 'succeeded']);
    for (const { status, body } of answers) {
      expect(body.done).toBe(true);
      expect(status === 202 ? body.status : 'succeeded').toBe(status === 202 ? 'cancelled' : body.status);
      expect(listener.outcomes.find(({ data }) => data.id === body.id)!.data).toEqual(body);
    }
  }, 40_000);

  it('stops a handler that runs: it sees its signal, and does nothing more', async () => {
    const [action] = await submitAll(alice, [drill({ performMs: 20_000 })]);
    await eventually(async () => expect((await alice.action(action!.id)).status).toBe('running'));
    const { status, body } = await alice.call<Action>('DELETE', `/v1/actions/${action!.id}`);
    expect([status, body.status, body.error?.code]).toEqual([202, 'cancelled', 'CANCELLED']);
    // An aborted handler throws, and that is the end of its attempt: the worker stops in good order.
    await eventually(() => {
      const said = system.workers.map((worker) => worker.logs()).join('\n');
      expect(said).toContain(`${action!.id} was withdrawn`);
    });
    // The same workers have done something since.
    const [marker] = await submitAll(alice, [drill()]);
    await listener.outcomeOf(marker!);
    expect((await ledger.report()).violations).toEqual([]);
  });

  it('lets those go on that waited behind it, and is foreign to others', async () => {
    const resourceId = drill().resourceId;
    const [long, behind] = await submitAll(alice, [drill({ performMs: 20_000 }, resourceId), drill({}, resourceId)]);
    await eventually(async () => expect((await alice.action(long!.id)).status).toBe('running'));
    const mallory = await system.user('mallory');
    expect((await mallory.call('DELETE', `/v1/actions/${long!.id}`)).status).toBe(404);
    expect((await alice.action(long!.id)).status).toBe('running');
    await alice.call('DELETE', `/v1/actions/${long!.id}`);
    await listener.outcomeOf(behind!);
    const again = await alice.call<Action>('DELETE', `/v1/actions/${behind!.id}`);
    expect([again.status, again.body.status]).toEqual([200, 'succeeded']);
  });
});
