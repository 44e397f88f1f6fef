import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Database } from '#database';
import { eventually, testDatabase } from '#testing';
import { tryLockStatement, waitForLockStatement } from './lock.ts';

let database: Database;

beforeAll(async () => {
  const { url } = await testDatabase();
  database = new Database({ url, poolSize: 2, applicationName: 'lock.spec' });
});

afterAll(() => database.onApplicationShutdown());

/** What another one may lock of the id, as a resource and as a parent, while somebody has these locks. */
function lockableBeside(
  id: string,
  resources: string[],
  parents: string[],
): Promise<[resource: boolean, parent: boolean]> {
  return database.transaction(async (sql) => {
    expect([...(await tryLockStatement(sql, resources, parents))]).toContain(id);
    const isLockable = (...wanted: [string[], string[]]): Promise<boolean> =>
      database.transaction(async (other) => (await tryLockStatement(other, ...wanted)).has(id));
    return [await isLockable([id], []), await isLockable([], [id])];
  });
}

describe('a resource', () => {
  const [resource, parent] = [randomUUID(), randomUUID()];

  it('is in the hands of one', async () => {
    expect(await lockableBeside(resource, [resource], [parent])).toEqual([false, false]);
  });

  it('that is a parent is shared by those who change something in it, while nobody changes it', async () => {
    expect(await lockableBeside(parent, [resource], [parent])).toEqual([false, true]);
  });

  it('that is changed together with something in it is in the hands of one', async () => {
    expect(await lockableBeside(parent, [resource, parent], [parent])).toEqual([false, false]);
  });

  it('that is locked leaves the others to who wants several', async () => {
    await database.transaction(async (sql) => {
      await tryLockStatement(sql, [resource], []);
      const others = await database.transaction((other) => tryLockStatement(other, [resource, parent], []));
      expect([...others]).toEqual([parent]);
    });
  });

  it('is waited for by who holds nothing else: until those end who share it, and so long at most', async () => {
    const waiting = await database.transaction(async (sql) => {
      await tryLockStatement(sql, [], [parent]);
      const wait = (atMostMs: number): Promise<void> =>
        database.transaction((other) => waitForLockStatement(other, parent, atMostMs));
      await expect(wait(1)).rejects.toMatchObject({ code: '55P03' });
      const patient = wait(60_000);
      await eventually(async () => {
        const blocked = `select from pg_locks where locktype = 'advisory' and not granted
          and database = (select oid from pg_database where datname = current_database())`;
        expect(await sql.query(blocked)).toHaveLength(1);
      });
      return { patient };
    });
    await expect(waiting.patient).resolves.toBeUndefined();
    // For these transactions only.
    const timeouts = await Promise.all([1, 2].map(() => database.query('show lock_timeout')));
    expect(timeouts.flat()).toEqual([{ lock_timeout: '0' }, { lock_timeout: '0' }]);
  });
});
