import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { AcceptedAction } from '#contracts';
import { LedgerCheck, startSystem, TestUser } from '#testing';

describe('an api that is killed', () => {
  it.concurrent.for([
    ['accept.before-commit', 0],
    ['accept.after-commit', 1],
    ['accept.after-enqueue', 1],
  ] as const)(
    'at %s: the client tries again with the same key, and there is one action, one outcome, the same id',
    { timeout: 120_000 },
    async ([CRASH_POINT, committed]) => {
      const system = await startSystem({ apis: 0, sockets: 0, workers: 1 });
      const ledger = new LedgerCheck(system.database);
      const api = await system.add('api', { CRASH_POINT });
      const body = { id: randomUUID() };
      const headers = { 'idempotency-key': `key-of-${CRASH_POINT}` };
      const alice = await TestUser.signIn('alice', api.url);
      const first = await alice.submit('POST', '/v1/drills', { body, headers }).catch((): undefined => undefined);
      await api.ended();
      const rows = await ledger.query<{ id: string }>('select id::text from actions');
      expect(rows).toHaveLength(committed);

      const next = await TestUser.signIn('alice', (await system.add('api')).url);
      const again = await next.call<AcceptedAction>('POST', '/v1/drills', { body, headers });
      expect(again.status).toBe(202);
      expect(again.headers.get('idempotency-replayed')).toBe(committed ? 'true' : null);
      const known = new Set([...rows.map(({ id }) => id), first?.id ?? again.body.id, again.body.id]);
      expect(known.size).toBe(1);
      await ledger.settled(15_000);
      expect(await ledger.report()).toEqual({ ended: { succeeded: 1 }, violations: [] });
      await ledger.close();
      await system.stop();
    },
  );
});
