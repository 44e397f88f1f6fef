import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, LedgerCheck, migrate, startSystem, type System } from '#testing';

const RETENTION_DAYS = 2;

let system: System;
let ledger: LedgerCheck;

beforeAll(async () => {
  system = await startSystem({ sockets: 0, workers: 0 });
  ledger = new LedgerCheck(system.database);
});

afterAll(async () => {
  await ledger.close();
  await system.stop();
});

/** A day of the past, with one action of that status in it, which was noted to have ended on that day or another. */
async function addDay(daysAgo: number, status: 'pending' | 'succeeded', endedDaysAgo = daysAgo): Promise<string> {
  const [row] = await ledger.query<{ suffix: string; id: string; next: string }>(
    `select to_char(day, 'YYYYMMDD') as suffix, uuidv7_at(day) as id, uuidv7_at(day + interval '1 day') as next
     from (select (current_date - $1::integer)::timestamptz as day) d`,
    [daysAgo],
  );
  const { suffix, id, next } = row!;
  for (const parent of ['actions', 'events'])
    await ledger.query(
      `create table ${parent}_${suffix} partition of ${parent} for values from ('${id}') to ('${next}')`,
    );
  await ledger.query(
    `insert into actions (id, seq, owner, type, resource_id, status, submitted_at, expires_at, finished_at)
     values ($1, nextval('action_seq'), 'alice', 'drills.delete', gen_random_uuid(), $2,
       now() - make_interval(days => $3), now() + interval '1 day', now() - make_interval(days => $4))`,
    [id, status, daysAgo, status === 'succeeded' ? endedDaysAgo : null],
  );
  await ledger.query('insert into ended_days values (current_date - $1::integer, current_date - $2::integer)', [
    daysAgo,
    endedDaysAgo,
  ]);
  return suffix;
}

async function partitions(): Promise<string[]> {
  const rows = await ledger.query<{ name: string }>(`select inhrelid::regclass::text as name from pg_inherits`);
  return rows.map(({ name }) => name);
}

describe('retention', () => {
  it('drops the days beyond it, save for those with an action that is unfinished, or whose outcome is kept; makes those that come', async () => {
    const [old, kept] = [await addDay(9, 'succeeded'), await addDay(RETENTION_DAYS, 'succeeded')];
    // Its outcome may have been written on a day that is kept.
    const late = await addDay(7, 'succeeded', RETENTION_DAYS);
    // Nobody here knows its type, so it stays unfinished.
    const busy = await addDay(8, 'pending');
    await ledger.query(`update actions set type = 'unknown.create' where status = 'pending'`);
    await ledger.query(`
      insert into idempotency_keys (owner, key, fingerprint, action_id, cursor_offset, cursor_check, created_at)
      select 'alice', age || ' hours', '', gen_random_uuid(), 0, '', now() - make_interval(hours => age)
      from unnest(array[23, 26]) as age`);
    // More than are forgotten at once.
    await ledger.query(`
      insert into idempotency_keys (owner, key, fingerprint, action_id, cursor_offset, cursor_check, created_at)
      select 'bob', 'key ' || n, '', gen_random_uuid(), 0, '', now() - interval '26 hours'
      from generate_series(1, 20001) as n`);
    await system.add('worker', { RETENTION_DAYS: String(RETENTION_DAYS), SWEEP_AFTER_MS: '60000' });
    await eventually(async () => expect(await partitions()).not.toContain(`actions_${old}`), { timeoutMs: 30_000 });
    const left = await partitions();
    expect(left).not.toContain(`events_${old}`);
    expect(left).toContain(`actions_${busy}`);
    expect(left).toContain(`actions_${late}`);
    expect(left).not.toContain(`events_${late}`);
    expect(left).toContain(`actions_${kept}`);
    expect(left).toContain(`events_${kept}`);
    const [row] = await ledger.query<{ today: string; later: string }>(
      `select to_char(current_date, 'YYYYMMDD') as today, to_char(current_date + 7, 'YYYYMMDD') as later`,
    );
    expect(left).toEqual(expect.arrayContaining([`actions_${row!.today}`, `events_${row!.later}`]));
    await eventually(async () => {
      expect(await ledger.query('select key from idempotency_keys limit 9')).toEqual([{ key: '23 hours' }]);
    });
  });
});

describe('a ledger that had no worker for a week', () => {
  it('has its partitions before the apps start; what came without them moves there', async () => {
    await Promise.all(system.workers.map((worker) => worker.stop()));
    for (const name of await partitions())
      if (/_\d{8}$/.test(name) && !name.includes('_idx')) await ledger.query(`drop table if exists ${name}`);
    const user = await system.user('bob');
    const { id } = await user.createMessage('hello');
    const where = `select tableoid::regclass::text as name from actions where id = $1`;
    expect(await ledger.query(where, [id])).toEqual([{ name: 'actions_default' }]);
    const printed = await migrate(system.database);
    const [row] = await ledger.query<{ day: string; name: string }>(
      `select current_date::text as day, to_char(current_date, '"actions_"YYYYMMDD') as name`,
    );
    expect(printed).toContain(`moved 1 actions to the partition of ${row!.day}`);
    expect(await ledger.query(where, [id])).toEqual([{ name: row!.name }]);
    await system.add('worker');
    await eventually(async () => expect(await user.action(id)).toMatchObject({ status: 'succeeded' }));
    expect(await ledger.query('select from events_default')).toEqual([]);
  });
});
