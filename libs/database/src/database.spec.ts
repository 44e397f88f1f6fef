import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, testDatabase } from '#testing';
import { isConflict, isUnavailable } from './database-error.ts';
import { Database } from './database.ts';

let database: Database;

beforeAll(async () => {
  const { url } = await testDatabase();
  database = new Database({ url, poolSize: 2, applicationName: 'database.spec' });
});

afterAll(() => database.onApplicationShutdown());

/** Waits until the server has ended a connection. */
async function ended(pid: number): Promise<void> {
  await eventually(async () => {
    expect(await database.query('select from pg_stat_activity where pid = $1', [pid])).toEqual([]);
  });
}

async function pidOf(sql: Pick<Database, 'query'>): Promise<number> {
  const [row] = await sql.query<{ pid: number }>('select pg_backend_pid() as pid');
  return row!.pid;
}

describe('a transaction between whose statements the server', () => {
  it('lost patience tells so: it is a conflict, and no loss of the server', async () => {
    const error = await database
      .transaction(async (sql) => {
        const pid = await pidOf(sql);
        await sql.query(`set local idle_in_transaction_session_timeout = '50ms'`);
        await ended(pid);
        await sql.query('select 1');
      })
      .catch((reason: unknown) => reason);
    expect([isConflict(error), isUnavailable(error)]).toEqual([true, false]);
  });

  it('ended the connection tells that it is away', async () => {
    const error = await database
      .transaction(async (sql) => {
        const pid = await pidOf(sql);
        await database.query('select pg_terminate_backend($1)', [pid]);
        await ended(pid);
        await sql.query('select 1');
      })
      .catch((reason: unknown) => reason);
    expect([isConflict(error), isUnavailable(error)]).toEqual([false, true]);
  });
});
