import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ProblemCode } from '#contracts';
import { eventually, LedgerCheck, startSystem, type System, type TestUser } from '#testing';
import { drill, drills, submitAll, superviseWorkers, type DrillPayload } from './drills.ts';

/** The longest until every poisonous action has failed, with the settings of this test, in milliseconds. */
const BOUND_MS = 150_000;

const POISONS: readonly [NonNullable<DrillPayload['fault']>, ProblemCode][] = [
  ['throw', 'ATTEMPTS_EXHAUSTED'],
  ['reject', 'HANDLER_FAILED'],
  ['hang', 'ATTEMPTS_EXHAUSTED'],
  ['deep', 'HANDLER_FAILED'],
  ['nul', 'HANDLER_FAILED'],
  ['huge', 'HANDLER_FAILED'],
  ['block', 'ATTEMPTS_EXHAUSTED'],
];

const LATENCIES = `
select extract(epoch from finished_at - submitted_at)::double precision * 1000 as ms from actions where id = any($1) order by 1`;

let system: System;
let ledger: LedgerCheck;
let alice: TestUser;
let supervisor: ReturnType<typeof superviseWorkers>;

beforeAll(async () => {
  system = await startSystem({
    sockets: 0,
    workers: 2,
    env: { MAX_ATTEMPTS: '2', RETRY_BACKOFF_MS: '100', BLOCKED_LIMIT_MS: '1500', PERFORM_TIMEOUT_MS: '2000' },
  });
  ledger = new LedgerCheck(system.database);
  alice = await system.user('alice');
  supervisor = superviseWorkers(system);
});

afterAll(async () => {
  supervisor.stop();
  await ledger.close();
  await system.stop();
});

async function succeeded(actions: readonly { id: string }[]): Promise<number> {
  const rows = await ledger.query(`select from actions where id = any($1) and status = 'succeeded'`, [
    actions.map(({ id }) => id),
  ]);
  return rows.length;
}

describe('a poisonous action', () => {
  it('that fails without harm to its process delays its neighbours by seconds, and no more', async () => {
    const poisons = POISONS.slice(0, 6).flatMap(([fault]) => [drill({ fault }), drill({ fault })]);
    const neighbours = await submitAll(alice, drills(200));
    const mixed = await submitAll(alice, [...drills(30), ...poisons, ...drills(30)]);
    const mates = [...neighbours, ...mixed.slice(0, 30), ...mixed.slice(-30)];
    await eventually(async () => expect(await succeeded(mates)).toBe(mates.length), { timeoutMs: 30_000 });
    // Their retries hold up nobody.
    const later = await submitAll(alice, drills(50));
    await eventually(async () => expect(await succeeded(later)).toBe(50), { timeoutMs: 10_000 });
    const latencies = await ledger.query<{ ms: number }>(LATENCIES, [later.map(({ id }) => id)]);
    expect(latencies[25]!.ms).toBeLessThan(2_000);
    await ledger.settled(20_000);
    expect((await ledger.report()).violations).toEqual([]);
    expect(supervisor.deaths()).toBe(0);
  }, 60_000);

  it(
    'of any kind ends as failed within a bound, alone (see killer.spec.ts for those that end their process)',
    async () => {
      const inApply = await submitAll(
        alice,
        POISONS.map(([fault]) => drill({ fault })),
      );
      const inPerform = await submitAll(
        alice,
        // What perform answers goes to apply only: it need not be sendable.
        POISONS.filter(([fault]) => ['throw', 'reject', 'hang'].includes(fault)).map(([fault]) =>
          drill({ fault, inPerform: true }),
        ),
      );
      const neighbours = await submitAll(alice, drills(50));
      await ledger.settled(BOUND_MS);
      expect((await ledger.report()).violations).toEqual([]);
      expect(await succeeded(neighbours)).toBe(50);
      const ends = await Promise.all(inApply.map(({ id }) => alice.action(id)));
      expect(ends.map(({ status, error }) => [status, error?.code])).toEqual(
        POISONS.map(([, code]) => ['failed', code]),
      );
      for (const { id } of inPerform) expect((await alice.action(id)).status).toBe('failed');
    },
    BOUND_MS + 30_000,
  );
});
