import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AcceptedAction, Problem } from '#contracts';
import { LedgerCheck, startSystem, TestUser, type System } from '#testing';

let system: System;
let ledger: LedgerCheck;
let users: TestUser[];

beforeAll(async () => {
  system = await startSystem({ apis: 2, sockets: 0, workers: 1 });
  ledger = new LedgerCheck(system.database);
  users = await Promise.all(system.apis.map(({ url }) => TestUser.signIn('alice', url)));
});

afterAll(async () => {
  await ledger.close();
  await system.stop();
});

describe('an Idempotency-Key', () => {
  it('makes 50 simultaneous requests on two apis one action, with 50 equal 202s', async () => {
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        users[index % 2]!.call<AcceptedAction>('POST', '/v1/drills', {
          body: {},
          headers: { 'idempotency-key': 'one of fifty' },
        }),
      ),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]));
    expect(new Set(answers.map(({ body }) => JSON.stringify(body))).size).toBe(1);
    const replayed = answers.filter(({ headers }) => headers.get('idempotency-replayed') === 'true');
    expect(replayed).toHaveLength(49);
    await ledger.settled(10_000);
    expect(await ledger.report()).toEqual({ ended: { succeeded: 1 }, violations: [] });
  });

  it('stands for one request of one owner: another body, method or path is refused, another owner is free', async () => {
    const headers = { 'idempotency-key': '"another key"' };
    const first = await users[0]!.submit('POST', '/v1/drills', { body: { performMs: 1 }, headers });
    for (const [method, path, body] of [
      ['POST', '/v1/drills', { performMs: 2 }],
      ['POST', '/v1/messages', { text: 'hello' }],
      ['DELETE', `/v1/drills/${first.resource.id}`, undefined],
    ] as const) {
      const { status, body: problem } = await users[1]!.call<Problem>(method, path, { body, headers });
      expect([status, problem.code]).toEqual([422, 'IDEMPOTENCY_KEY_REUSED']);
    }
    const bob = await TestUser.signIn('bob', system.api.url);
    expect((await bob.submit('POST', '/v1/drills', { body: { performMs: 2 }, headers })).id).not.toBe(first.id);
    // Bare or quoted, after the outcome too.
    await ledger.settled(10_000);
    const again = await users[1]!.submit('POST', '/v1/drills', {
      body: { performMs: 1 },
      headers: { 'idempotency-key': 'another key' },
    });
    expect(again).toEqual(first);
  });

  it('works item by item in batches that race', async () => {
    const actions = Array.from({ length: 100 }, (_, index) => ({
      type: 'drills.create',
      payload: {},
      idempotencyKey: `item-${String(index % 50).padStart(4, '0')}`,
    }));
    const batches = await Promise.all(
      [actions, actions.toReversed(), actions].map((items, index) =>
        users[index % 2]!.call<{ results: { action: AcceptedAction }[] }>('POST', '/v1/actions/batch', {
          body: { actions: items },
        }),
      ),
    );
    const ids = batches.flatMap(({ body }) => body.results.map(({ action }) => action.id));
    expect(ids).toHaveLength(300);
    expect(new Set(ids).size).toBe(50);
    await ledger.settled(10_000);
    expect((await ledger.report()).violations).toEqual([]);
  });
});
