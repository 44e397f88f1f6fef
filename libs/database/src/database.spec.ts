import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, privatePostgres, testDatabase } from '#testing';
import { isConflict, isRefused, isTransient, isUnavailable } from './database-error.ts';
import { Database, isOfStatement, type Sql } from './database.ts';

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

it('a connection that the server ends while nobody uses it is replaced', async () => {
  const { url } = await testDatabase();
  const one = new Database({ url, poolSize: 1, applicationName: 'database.spec' });
  const pid = await pidOf(one);
  await database.query('select pg_terminate_backend($1)', [pid]);
  await eventually(() => expect(one.load.total).toBe(0));
  expect(await pidOf(one)).not.toBe(pid);
  await one.onApplicationShutdown();
});

it('a connection has limits of time and of plans, and a patient one of waiting for locks', async () => {
  const { url } = await testDatabase();
  const patient = new Database({ url, poolSize: 1, applicationName: 'database.spec', isPatient: true });
  const limits = async (of: Database): Promise<unknown[]> => {
    const names = ['transaction_timeout', 'idle_in_transaction_session_timeout', 'enable_seqscan', 'lock_timeout'];
    const rows = await of.query<{ value: string }>(
      'select current_setting(name) as value from unnest($1::text[]) with ordinality as s (name, n) order by n',
      [names],
    );
    return rows.map(({ value }) => value);
  };
  expect(await limits(database)).toEqual(['4s', '3500ms', 'off', '0']);
  expect(await limits(patient)).toEqual(['0', '0', 'on', '2s']);
  await patient.onApplicationShutdown();
});

it('a server that does not answer counts as away, also on a connection that was idle for long', async () => {
  const { url } = await testDatabase();
  const impatient = new Database({ url, poolSize: 1, applicationName: 'database.spec', longestAnswerMs: 2_000 });
  const pid = await pidOf(impatient);
  const idle = async (): Promise<number> => {
    const sql = `select extract(epoch from clock_timestamp() - state_change) * 1000 as ms from pg_stat_activity where pid = $1`;
    const [row] = await database.query<{ ms: string }>(sql, [pid]);
    return Number(row!.ms);
  };
  await eventually(async () => expect(await idle()).toBeGreaterThan(2_500));
  expect(await pidOf(impatient)).toBe(pid);
  const error = await impatient.query('select pg_sleep(10)').catch((reason: unknown) => reason);
  expect(isUnavailable(error)).toBe(true);
  expect(await pidOf(impatient)).not.toBe(pid);
  await impatient.onApplicationShutdown();
});

it('a server that takes no writes counts as away, and no connection to it is used again', async () => {
  await database.query('create table written (n integer)');
  let pid = 0;
  const failed = database.transaction(async (sql) => {
    pid = await pidOf(sql);
    await sql.query('set session characteristics as transaction read only');
    await sql.query('set transaction read only');
    await sql.query('insert into written values (1)');
  });
  const error = await failed.catch((reason: unknown) => reason);
  expect({ isUnavailable: isUnavailable(error), isRefused: isRefused(error) }).toEqual({
    isUnavailable: true,
    isRefused: true,
  });
  await ended(pid);
});

it('who finds no room for a lock, since others have so many, may run again; who asks for too much memory may not', async () => {
  const { url } = await privatePostgres({ settings: { max_connections: '10', max_locks_per_transaction: '10' } });
  const small = new Database({ url, poolSize: 1, applicationName: 'database.spec' });
  // A server tells of a failure before it has given up the locks; that they are undone it tells afterwards.
  const locks = await small
    .transaction((sql) => sql.query('select pg_advisory_xact_lock(n) from generate_series(1, 100000) n'))
    .catch((error: unknown) => error);
  expect(locks).toMatchObject({ code: '53200' });
  expect([isConflict(locks), isUnavailable(locks)]).toEqual([true, false]);
  const memory = await small
    .query(`do $$ begin raise exception using errcode = '53200'; end $$`)
    .catch((error: unknown) => error);
  expect([isConflict(memory), isUnavailable(memory)]).toEqual([false, false]);
  await small.onApplicationShutdown();
});

it('a value that cannot be sent is the fault of who gave it, and of nobody who runs the same statement later', async () => {
  const { url } = await testDatabase();
  const one = new Database({ url, poolSize: 1, applicationName: 'database.spec' });
  const keep = (value: unknown): Promise<unknown> =>
    one.transaction((sql) => sql.query('select $1::json as value', [value]));
  await keep({ n: 1 });
  await expect(keep({ n: 1n })).rejects.toThrow('BigInt');
  expect(await keep({ n: 2 })).toEqual([{ value: { n: 2 } }]);
  await one.onApplicationShutdown();
});

it.each(['committed', 'undone'])('a transaction that was %s is over for whoever still holds it', async (how) => {
  const held: Sql[] = [];
  const work = database.transaction(async (sql) => {
    held.push(sql);
    await sql.query('select 1');
    if (how === 'undone') throw new Error('no');
  });
  await work.catch(() => undefined);
  await expect(held[0]!.query('select 1')).rejects.toThrow('the transaction is over');
});

describe('the last statement of a transaction', () => {
  it('commits when it succeeds, and nothing runs behind it', async () => {
    await database.query('create table kept (n integer)');
    await database.transaction(async (sql) => {
      await sql.query('insert into kept values (1)');
      await sql.commitWith('insert into kept values ($1)', [2]);
      await expect(sql.query('insert into kept values (3)')).rejects.toThrow('the transaction is over');
    });
    expect(await database.query('select n from kept order by n')).toEqual([{ n: 1 }, { n: 2 }]);
  });

  it('undoes everything when it fails', async () => {
    await database.query('create table undone (n integer)');
    const work = database.transaction(async (sql) => {
      await sql.query('insert into undone values (1)');
      await sql.commitWith('insert into undone values ($1::text::integer)', ['two']);
    });
    await expect(work).rejects.toThrow('invalid input syntax');
    expect(await database.query('select from undone')).toEqual([]);
    // The connection is as good as new.
    for (const n of [1, 2, 3]) expect(await database.query('select $1::integer as n', [n])).toEqual([{ n }]);
  });
});

describe('a part of a transaction', () => {
  it('is undone alone when it fails, and what it still does is too late', async () => {
    await database.query('create table parts (n integer)');
    await database.transaction(async (sql) => {
      await sql.query('insert into parts values (1)');
      const late = Promise.withResolvers<Sql>();
      const failed = sql.savepoint(async (part) => {
        await part.query('insert into parts values (2)');
        late.resolve(part);
        await part.query('select 1 / 0');
      });
      await expect(failed).rejects.toMatchObject({ code: '22012' });
      await expect((await late.promise).query('insert into parts values (3)')).rejects.toThrow('is over');
      const over = await sql.savepoint(async (part) => {
        await part.query('insert into parts values (4)');
        return part;
      });
      await expect(over.query('insert into parts values (5)')).rejects.toThrow('is over');
      await sql.query('insert into parts values (6)');
    });
    expect(await database.query('select n from parts order by n')).toEqual([{ n: 1 }, { n: 4 }, { n: 6 }]);
  });

  it.each(['select 1', 'select 1 / 0'])('takes nothing up once it is over: %s', async (text) => {
    const left = database.transaction(async (sql) => {
      await sql.savepoint((part) => part.query(text)).catch(() => undefined);
      await sql.query('release savepoint part');
    });
    await expect(left).rejects.toMatchObject({ code: '3B001' });
  });
});

describe('an error', () => {
  it('of a statement is told from another one that is alike, and says where it was asked', async () => {
    const error: unknown = await database.query('select 1 / 0').catch((reason: unknown) => reason);
    expect(isOfStatement(error)).toBe(true);
    expect((error as Error).stack).toContain('database.spec.ts');
    expect(isOfStatement(Object.assign(new Error('division by zero'), { code: '22012' }))).toBe(false);
  });

  it.each([
    ['40001', { conflict: true, unavailable: false }],
    ['40P01', { conflict: true, unavailable: false }],
    ['53300', { conflict: false, unavailable: true }],
    ['53400', { conflict: false, unavailable: false }],
    ['57014', { conflict: false, unavailable: false }],
  ])('%s may go away by itself, as a conflict or with the server', (code, { conflict, unavailable }) => {
    const error = Object.assign(new Error('x'), { code });
    expect([isConflict(error), isUnavailable(error), isTransient(error)]).toEqual([conflict, unavailable, true]);
  });

  it('of several addresses is a refusal when all have refused, and a loss when one was lost', () => {
    const refused = Object.assign(new Error('x'), { code: 'ECONNREFUSED' });
    const reset = Object.assign(new Error('x'), { code: 'ECONNRESET' });
    const of = (...errors: Error[]): [boolean, boolean] => {
      const error = new AggregateError(errors);
      return [isRefused(error), isUnavailable(error)];
    };
    expect([of(refused, refused), of(refused, reset), of(new Error('x'))]).toEqual([
      [true, true],
      [false, true],
      [false, false],
    ]);
  });
});

describe('statements given in one turn', () => {
  it('run one after the other, each seeing what was done before', async () => {
    await database.query('create table turns (n integer)');
    const [, , counts] = await database.transaction((sql) =>
      Promise.all([
        sql.query('insert into turns values (1)'),
        sql.query('insert into turns values ($1)', [2]),
        sql.query('select count(*)::integer as count from turns'),
      ]),
    );
    expect(counts).toEqual([{ count: 2 }]);
  });
});

describe('a statement that is made durable after it', () => {
  it('says what is wrong with it, and nothing is seen', async () => {
    const failing = database.queryThenFlush('select 1 / 0', [], () => expect.unreachable());
    await expect(failing).rejects.toMatchObject({ code: '22012' });
    expect(await database.query('select 1 as one')).toEqual([{ one: 1 }]);
  });

  it('may be lost although others saw it, when that fails; its connection is not used again', async () => {
    await database.query('create schema broken');
    await database.query(`
      create function broken.pg_logical_emit_message(boolean, text, text) returns pg_lsn language plpgsql
      as $$ begin raise exception 'the disk is full'; end $$`);
    const seen: { backend: number }[] = [];
    const error = await database
      .queryThenFlush(
        `select set_config('search_path', 'broken, pg_catalog', false), pg_backend_pid() as backend`,
        [],
        (rows) => seen.push(...rows),
      )
      .catch((reason: unknown) => reason);
    expect(seen).toHaveLength(1);
    expect(error).toMatchObject({ cause: { message: 'the disk is full' } });
    expect([isUnavailable(error), isRefused(error)]).toEqual([true, false]);
    await ended(seen[0]!.backend);
  });

  it('may be lost, too, when another process of the server answers for that: there may have been a crash between', async () => {
    const elsewhere = database.queryThenFlush('select 1 as backend', []);
    const error = await elsewhere.catch((reason: unknown) => reason);
    expect([isUnavailable(error), isRefused(error)]).toEqual([true, false]);
    const here = await database.queryThenFlush('select pg_backend_pid() as backend', []);
    expect(here).toHaveLength(1);
  });
});
