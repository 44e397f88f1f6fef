import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AcceptedAction, Action, Problem } from '#contracts';
import { LedgerCheck, startSystem, type System, type TestUser } from '#testing';
import { drill, drills, submitAll } from './drills.ts';

interface Results {
  results: ({ action: AcceptedAction; problem?: never } | { problem: Problem; action?: never })[];
}
interface Page {
  data: Action[];
  next: string | null;
}

let system: System;
let ledger: LedgerCheck;
let alice: TestUser;

beforeAll(async () => {
  system = await startSystem({ sockets: 0, workers: 1 });
  ledger = new LedgerCheck(system.database);
  alice = await system.user('alice');
});

afterAll(async () => {
  await ledger.close();
  await system.stop();
});

describe('a batch', () => {
  it('answers each item for itself, in order; items of one resource are applied in order', async () => {
    const id = randomUUID();
    const { status, body } = await alice.call<Results>('POST', '/v1/actions/batch', {
      body: {
        actions: [
          { type: 'messages.create', resourceId: id, payload: { text: 'one' } },
          { type: 'messages.create', payload: {} },
          { type: 'messages.edit', resourceId: id, payload: { text: 'two' }, ifMatch: '"1"' },
          { type: 'nothing.create' },
          null,
          { type: 'messages.edit', resourceId: id, payload: { text: 'late' }, ifMatch: '1' },
          { type: 'messages.delete', resourceId: 'no uuid' },
          { type: 'messages.delete', resourceId: id, surplus: 1 },
        ],
      },
    });
    expect(status).toBe(202);
    expect(body.results.map(({ action, problem }) => action?.type ?? problem?.code)).toEqual([
      'messages.create',
      'VALIDATION_FAILED',
      'messages.edit',
      'VALIDATION_FAILED',
      'VALIDATION_FAILED',
      'messages.edit',
      'VALIDATION_FAILED',
      'VALIDATION_FAILED',
    ]);
    await ledger.settled(5_000);
    const late = await alice.action(body.results[5]!.action!.id);
    expect(late).toMatchObject({ status: 'failed', error: { code: 'PRECONDITION_FAILED' } });
    // The resource as it was when the precondition failed.
    expect(late.error!.current).toMatchObject({ id, text: 'two', version: 2 });
  });

  it('takes 1 to 1000 items', async () => {
    const sizes = await Promise.all(
      [0, 1, 1_000, 1_001].map((size) => alice.call('POST', '/v1/actions/batch', { body: { actions: drills(size) } })),
    );
    expect(sizes.map(({ status }) => status)).toEqual([400, 202, 202, 400]);
    await ledger.settled(15_000);
    expect((await ledger.report()).violations).toEqual([]);
  });
});

describe('the list of own actions', () => {
  it('is paged without holes or doubles, the newest first, and filtered', async () => {
    const bob = await system.user('bob');
    const resource = randomUUID();
    const actions = await submitAll(bob, [...drills(25), drill({ fault: 'reject' }, resource), drill({}, resource)]);
    await ledger.settled(10_000);
    const listed: string[] = [];
    for (let after: string | null = ''; after !== null;) {
      const { body }: { body: Page } = await bob.call<Page>('GET', `/v1/actions?limit=10${after && `&after=${after}`}`);
      listed.push(...body.data.map(({ id }) => id));
      after = body.next;
    }
    expect(listed).toEqual(actions.map(({ id }) => id).toReversed());
    const idsOf = async (query: string): Promise<string[]> =>
      (await bob.call<Page>('GET', `/v1/actions?${query}`)).body.data.map(({ id }) => id);
    expect(await idsOf('status=failed')).toEqual([actions[25]!.id]);
    expect(await idsOf(`resourceId=${resource}`)).toEqual([actions[26]!.id, actions[25]!.id]);
    expect(await idsOf(`resourceId=${resource}&status=succeeded&type=drills.edit`)).toEqual([actions[26]!.id]);
    expect(await idsOf('type=messages.create')).toEqual([]);
    const bad = ['limit=501', 'limit=0', 'status=done', 'after=nonsense', 'resourceId=1', 'surplus=1'];
    const answers = await Promise.all(bad.map((query) => bob.call('GET', `/v1/actions?${query}`)));
    expect(answers.map(({ status }) => status)).toEqual(bad.map(() => 400));
  });
});

describe('Prefer: wait', () => {
  it('answers 200 with the outcome when there is one in time, else the 202', async () => {
    const headers = { prefer: 'wait=10' };
    const quick = await alice.call<Action>('POST', '/v1/drills', { body: {}, headers });
    expect([quick.status, quick.body.status]).toEqual([200, 'succeeded']);
    expect(quick.headers.get('preference-applied')).toBe('wait=10');
    const slow = await alice.call<Action>('POST', '/v1/drills', {
      body: { performMs: 3_000 },
      headers: { prefer: 'respond-async, wait=1' },
    });
    expect([slow.status, slow.body.done]).toEqual([202, false]);
    const failing = await alice.call<Action>('POST', '/v1/drills', { body: { fault: 'reject' }, headers });
    expect([failing.status, failing.body.error?.code]).toEqual([200, 'HANDLER_FAILED']);
    await ledger.settled(10_000);
  });
});
