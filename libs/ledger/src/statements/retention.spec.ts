import { v4 as uuidv4 } from 'uuid';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { Database, migrate, type Sql } from '#database';
import { eventually, testDatabase } from '#testing';
import { ledgerMigrations } from '../migrations/index.ts';
import { newId } from '../new-id.ts';
import {
  createDayStatement,
  dropOldestDayStatement,
  forgetKeysStatement,
  giveWayStatement,
  missingDaysStatement,
  noteEndedDaysStatement,
  putOffRetentionStatement,
  strayDaysStatement,
  takeRetentionTurnStatement,
} from './retention.ts';

const RETENTION_DAYS = 2;

let database: Database;

const open = (url: string): Database => new Database({ url, poolSize: 5, applicationName: 'retention.spec' });

async function migrateAt(url: string): Promise<void> {
  const migrating = open(url);
  await migrate(migrating, ledgerMigrations);
  await migrating.onApplicationShutdown();
}

beforeEach(async () => {
  const { url } = await testDatabase({ name: 'ledger.spec', migrate: migrateAt });
  database = open(url);
  onTestFinished(() => database.onApplicationShutdown());
});

/** Today, or some days from it, in the name of a partition. */
async function day(from = 0): Promise<string> {
  const [row] = await database.query<{ day: string }>(`select to_char(current_date + $1::integer, 'YYYYMMDD') as day`, [
    from,
  ]);
  return row!.day;
}

/** As after a week without a worker: a row finds no partition of its day. */
async function dropAllDays(): Promise<void> {
  const rows = await database.query<{ name: string }>(
    String.raw`select relname as name from pg_class where relname ~ '^(actions|events)_\d{8}$' and relkind = 'r'`,
  );
  for (const { name } of rows) await database.query(`drop table ${name}`);
}

async function addAction(id: string, finishedAt: string | null, sql: Sql = database): Promise<void> {
  await sql.query(
    `insert into actions (id, seq, owner, type, resource_id, status, submitted_at, expires_at, finished_at)
     values ($1, nextval('action_seq'), 'alice', 'messages.create', $2, $3, now(), now(), $4)`,
    [id, uuidv4(), finishedAt === null ? 'pending' : 'succeeded', finishedAt],
  );
}

const idOf = async (from: number): Promise<string> =>
  (
    await database.query<{ id: string }>('select uuidv7_at((current_date + $1::integer)::timestamptz) as id', [from])
  )[0]!.id;

async function addEvent(id: string, sql: Sql = database): Promise<void> {
  await sql.query(
    `insert into events (id, channel, "offset", type, subject, created_at) values ($1, 'everyone', 1, 'x', 'x', now())`,
    [id],
  );
}

/**
 * What is begun while somebody has written and not committed, and waits for that.
 *
 * @returns the promise of what was begun, by when they have committed
 */
async function duringWrite<Result>(write: (sql: Sql) => Promise<void>, begin: () => Promise<Result>) {
  return database.transaction(async (sql) => {
    await write(sql);
    const begun = begin();
    await eventually(async () => {
      const waiting = `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
      expect(await database.query(waiting)).toHaveLength(1);
    });
    return () => begun;
  });
}

/** In which partitions there are rows. */
const filled = async (): Promise<string[]> => {
  const rows = await database.query<{ name: string }>(
    `select tableoid::regclass::text as name from actions union all select tableoid::regclass::text from events
     order by 1`,
  );
  return rows.map(({ name }) => name);
};

async function days(parent: string): Promise<string[]> {
  const rows = await database.query<{ name: string }>(
    String.raw`select inhrelid::regclass::text as name from pg_inherits
     where inhparent = $1::regclass and inhrelid::regclass::text ~ '\d{8}$' order by 1`,
    [parent],
  );
  return rows.map(({ name }) => name);
}

/** A day of actions, all of which have ended, noted so many days ago; null: not noted. */
async function addActionDay(from: number, notedDaysAgo: number | null): Promise<string> {
  await createDayStatement(database, { parent: 'actions', day: await day(from) }, null);
  await addAction(await idOf(from), '2026-01-01');
  if (notedDaysAgo !== null) {
    await database.query(`insert into ended_days values (current_date + $1::integer, current_date - $2::integer)`, [
      from,
      notedDaysAgo,
    ]);
  }
  return `actions_${await day(from)}`;
}

async function dropAll(): Promise<string[]> {
  const dropped: string[] = [];
  for (;;) {
    const name = await dropOldestDayStatement(database, RETENTION_DAYS);
    if (name === null) return dropped;
    dropped.push(name);
  }
}

describe('the partition of a day', () => {
  it('is made ahead of time, for a week', async () => {
    await dropAllDays();
    for (const missing of await missingDaysStatement(database)) {
      expect(await createDayStatement(database, missing, 0)).toBe(0);
    }
    expect(await missingDaysStatement(database)).toEqual([]);
    for (const parent of ['actions', 'events']) {
      const expected = Array.from({ length: 9 }, async (_, index) => `${parent}_${await day(index - 1)}`);
      expect(await days(parent)).toEqual(await Promise.all(expected));
    }
    await addAction(newId(), null);
    expect(await filled()).toEqual([`actions_${await day()}`]);
  });

  it('is made when rows of that day are in the default partition, and takes them', async () => {
    await dropAllDays();
    await addAction(newId(), null);
    await addEvent(newId());
    expect(await filled()).toEqual(['actions_default', 'events_default']);
    for (const missing of await missingDaysStatement(database)) await createDayStatement(database, missing, 1);
    const today = await day();
    expect(await filled()).toEqual([`actions_${today}`, `events_${today}`]);
    const [indexes] = await database.query<{ same: boolean }>(
      `select count(*) = (select count(*) from pg_index where indrelid = 'actions'::regclass) as same
       from pg_index i join pg_inherits h on h.inhrelid = i.indexrelid where i.indrelid = $1::regclass`,
      [`actions_${today}`],
    );
    expect(indexes).toEqual({ same: true });
  });

  it('is left when more rows would move than are wanted', async () => {
    await dropAllDays();
    for (let rows = 0; rows < 3; rows += 1) await addEvent(newId());
    const today = { parent: 'events', day: await day() } as const;
    expect(await createDayStatement(database, today, 2)).toBeNull();
    expect(await filled()).toEqual(['events_default', 'events_default', 'events_default']);
    expect(await createDayStatement(database, today, null)).toBe(3);
    expect(new Set(await filled())).toEqual(new Set([`events_${await day()}`]));
  });

  it('is made once, by whoever comes first', async () => {
    await dropAllDays();
    await addEvent(newId());
    const today = { parent: 'events', day: await day() } as const;
    const making = Array.from({ length: 3 }, () => createDayStatement(database, today, null));
    const moved = await Promise.all(making);
    expect(moved.toSorted((one, other) => one! - other!)).toEqual([0, 0, 1]);
  });

  it('waits for a row that is about to come to the default partition, and takes it', async () => {
    await dropAllDays();
    const made = await duringWrite(
      (sql) => addEvent(newId(), sql),
      async () => createDayStatement(database, { parent: 'events', day: await day() }, null),
    );
    expect(await made()).toBe(1);
    expect(await filled()).toEqual([`events_${await day()}`]);
  });

  it('is missed for what came long ago, not for what a clock far ahead has made', async () => {
    await addEvent(await idOf(-30));
    await addAction(await idOf(30), null);
    const strays = await strayDaysStatement(database);
    expect(strays.map((stray) => ({ ...stray, day: stray.day.replaceAll('-', '') }))).toEqual([
      { parent: 'events', day: await day(-30) },
    ]);
    for (const stray of strays) await createDayStatement(database, stray, null);
    expect(await filled()).toEqual(['actions_default', `events_${await day(-30)}`]);
  });
});

describe('days that are over', () => {
  it('are dropped: events by their day, actions by the one on which they were noted to have ended', async () => {
    const early = await addActionDay(-9, RETENTION_DAYS + 1);
    const late = await addActionDay(-8, RETENTION_DAYS);
    const unnoted = await addActionDay(-7, null);
    for (const from of [-8, -RETENTION_DAYS])
      await createDayStatement(database, { parent: 'events', day: await day(from) }, null);
    await noteEndedDaysStatement(database);
    expect(await dropAll()).toEqual([`events_${await day(-8)}`, early]);
    expect(await days('actions')).toEqual(expect.arrayContaining([late, unnoted]));
    expect(await days('events')).toContain(`events_${await day(-RETENTION_DAYS)}`);
    await database.query('update ended_days set ended_on = current_date - 3 where day = current_date - 7');
    expect(await dropAll()).toEqual([unnoted]);
  });

  it('are kept while an action is unfinished, and as long again from then on', async () => {
    const name = await addActionDay(-9, RETENTION_DAYS + 1);
    await database.query(`update actions set status = 'pending', finished_at = null`);
    await noteEndedDaysStatement(database);
    expect(await dropAll()).toEqual([]);
    await database.query(`update actions set status = 'expired', finished_at = now()`);
    await noteEndedDaysStatement(database);
    expect(await dropAll()).toEqual([]);
    expect(await days('actions')).toContain(name);
  });

  it('are kept as long again when an action has come and ended since', async () => {
    const name = await addActionDay(-9, RETENTION_DAYS + 1);
    await database.query(`update actions set status = 'pending', finished_at = null`);
    await noteEndedDaysStatement(database);
    await database.query(`update actions set status = 'expired', finished_at = now()`);
    await noteEndedDaysStatement(database);
    expect(await dropAll()).toEqual([]);
    expect(await days('actions')).toContain(name);
  });

  it('are forgotten once they are dropped', async () => {
    await addActionDay(-9, RETENTION_DAYS + 1);
    await dropAll();
    await noteEndedDaysStatement(database);
    expect(await database.query('select from ended_days where day = current_date - 9')).toEqual([]);
  });

  it('are kept when an action came into one since it was noted', async () => {
    const name = await addActionDay(-9, RETENTION_DAYS + 1);
    await database.query(`update actions set status = 'pending', finished_at = null`);
    expect(await dropAll()).toEqual([]);
    expect(await days('actions')).toContain(name);
    expect(await database.query('select from ended_days')).toEqual([]);
  });

  it('are kept when an action is just about to come into one', async () => {
    const name = await addActionDay(-9, RETENTION_DAYS + 1);
    const late = await idOf(-9);
    await database.query(`delete from actions`);
    const dropped = await duringWrite((sql) => addAction(late, null, sql), dropAll);
    expect(await dropped()).toEqual([]);
    expect(await days('actions')).toContain(name);
    expect(await database.query('select id from actions')).toEqual([{ id: late }]);
  });

  it('do not include today, in which more may come', async () => {
    await addAction(newId(), '2026-01-01');
    await noteEndedDaysStatement(database);
    const noted = await database.query('select day from ended_days where day = current_date');
    expect(noted).toEqual([]);
  });

  it('are found without reading them', async () => {
    await addActionDay(-9, null);
    await database.query(
      `insert into actions (id, seq, owner, type, resource_id, status, submitted_at, expires_at, finished_at)
       select (left(uuidv7_at((current_date - 9)::timestamptz)::text, 24) || lpad(to_hex(n), 12, '0'))::uuid,
         nextval('action_seq'), 'alice', 'messages.create', gen_random_uuid(), 'succeeded', now(), now(), now()
       from generate_series(1, 2000) as n`,
    );
    await database.query('vacuum analyze actions');
    await database.transaction(async (sql) => {
      await noteEndedDaysStatement(sql);
      await dropOldestDayStatement(sql, RETENTION_DAYS);
      const [row] = await sql.query<{ read: number }>(
        `select coalesce(sum(pg_stat_get_xact_tuples_returned(inhrelid)), 0)::integer as read from pg_inherits
         where inhparent = 'actions'::regclass`,
      );
      expect(row!.read).toBe(0);
    });
  });
});

it('idempotency keys are forgotten after so many hours, the oldest first, and not all at once', async () => {
  await database.query(
    `insert into idempotency_keys (owner, key, fingerprint, action_id, cursor_offset, cursor_check, created_at)
     select 'alice', age || ' minutes', '', gen_random_uuid(), 0, '', now() - make_interval(mins => age)
     from unnest(array[59, 61, 90, 75]) as age`,
  );
  const left = async () =>
    (await database.query<{ key: string }>('select key from idempotency_keys order by key')).map(({ key }) => key);
  expect(await forgetKeysStatement(database, 1, 1)).toBe(1);
  expect(await left()).toEqual(['59 minutes', '61 minutes', '75 minutes']);
  expect([await forgetKeysStatement(database, 1, 9), await forgetKeysStatement(database, 1, 9)]).toEqual([2, 0]);
  expect(await left()).toEqual(['59 minutes']);
});

describe('the turn to run the retention', () => {
  it('is taken by one, and comes again', async () => {
    const taken = await Promise.all(Array.from({ length: 5 }, () => takeRetentionTurnStatement(database, 60)));
    expect(taken.filter(Boolean)).toHaveLength(1);
    await putOffRetentionStatement(database, 3_600);
    expect(await takeRetentionTurnStatement(database, 60)).toBe(false);
    await putOffRetentionStatement(database, 0);
    expect(await takeRetentionTurnStatement(database, 60)).toBe(true);
  });

  it('comes at once when the clock of the server was ahead by days as it was put off', async () => {
    await putOffRetentionStatement(database, 30 * 86_400);
    expect(await takeRetentionTurnStatement(database, 60)).toBe(true);
    expect(await takeRetentionTurnStatement(database, 60)).toBe(false);
  });

  it('is impatient for itself, and leaves the connection as it was', async () => {
    const { url } = await testDatabase();
    const one = new Database({ url, poolSize: 1, applicationName: 'retention.spec' });
    onTestFinished(() => one.onApplicationShutdown());
    await one.transaction((sql) => giveWayStatement(sql, 5));
    expect(await one.query('show lock_timeout')).toEqual([{ lock_timeout: '0' }]);
  });

  it('gives way to a long reader', async () => {
    await dropAllDays();
    await database.transaction(async (reader) => {
      await reader.query('select from actions');
      const making = database.transaction(async (sql) => {
        await giveWayStatement(sql, 1);
        return createDayStatement(sql, { parent: 'actions', day: await day() }, null);
      });
      await expect(making).rejects.toMatchObject({ code: '55P03' });
    });
  });
});
