import { sql, type Kysely } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, FaultyProxy, testDatabase } from '#testing';
import { Database } from './database.ts';
import { assertMigrated, migrate, type Migrations } from './migrations.ts';

const first: Migrations = {
  '2026-01-01-notes': {
    up: async (database) => void (await sql`create table notes (id integer primary key)`.execute(database)),
  },
};
const later: Migrations = {
  ...first,
  '2026-02-01-pins': {
    up: async (database) => void (await sql`alter table notes add column pinned boolean`.execute(database)),
  },
};

let databaseUrl: string;
let database: Database;
let app: Database;

beforeAll(async () => {
  const { url } = await testDatabase();
  databaseUrl = url;
  // As `npm run migrate` has it.
  database = new Database({ url, poolSize: 1, applicationName: 'migrations.spec', isPatient: true });
  app = new Database({ url, poolSize: 3, applicationName: 'an-app' });
});

afterAll(() => Promise.all([database, app].map((each) => each.onApplicationShutdown())));

describe('a version that is rolled back to', () => {
  it('leaves the later schema as it is, and starts on it', async () => {
    expect(await migrate(database, first)).toEqual(['2026-01-01-notes']);
    expect(await migrate(database, later)).toEqual(['2026-02-01-pins']);
    expect(await migrate(database, first)).toEqual([]);
    await expect(assertMigrated(database, first)).resolves.toBeUndefined();
    await database.query('insert into notes (id, pinned) values (1, true)');
    expect(await migrate(database, later)).toEqual([]);
  });

  it('leaves it also when that is made while it waits for its turn', async () => {
    const { url } = await testDatabase();
    const versions = ['older', 'newer'].map(
      (applicationName) => new Database({ url, poolSize: 1, applicationName, isPatient: true }),
    );
    const [older, newer] = versions as [Database, Database];
    await migrate(older, first);
    const [begun, end] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const slow = {
      up: async () => {
        begun.resolve();
        await end.promise;
      },
    };
    const upgrade = migrate(newer, { ...first, '2026-02-01-slow': slow });
    await begun.promise;
    const restart = migrate(older, first);
    await eventually(async () => {
      const waiting = `select from pg_locks where not granted and locktype = 'advisory'
        and database = (select oid from pg_database where datname = $1)`;
      expect(await database.query(waiting, [new URL(url).pathname.slice(1)])).toHaveLength(1);
    });
    end.resolve();
    expect(await Promise.all([upgrade, restart])).toEqual([['2026-02-01-slow'], []]);
    await Promise.all(versions.map((version) => version.onApplicationShutdown()));
  });

  it('applies what it has of its own: two branches may add migrations', async () => {
    const own: Migrations = {
      ...first,
      '2026-01-15-tags': { up: async (db) => void (await sql`select 1`.execute(db)) },
    };
    await expect(assertMigrated(database, own)).rejects.toThrow('lacks the migrations 2026-01-15-tags');
    expect(await migrate(database, own)).toEqual(['2026-01-15-tags']);
  });
});

it('an app that starts waits for a Postgres that is away for a moment', async () => {
  const { url } = await testDatabase();
  const proxy = await FaultyProxy.start(url);
  proxy.cut();
  const starting = new Database({ url: proxy.url, poolSize: 1, applicationName: 'starting' });
  const asserted = assertMigrated(starting, first).catch((error: Error) => error.message);
  await eventually(() => expect(proxy.counts.refused).toBeGreaterThan(0));
  proxy.heal();
  expect(await asserted).toContain('lacks the migrations 2026-01-01-notes');
  await starting.onApplicationShutdown();
});

describe('a migration beside apps', () => {
  const colours: Migrations = {
    ...first,
    '2026-03-01-colours': {
      up: async (db) => void (await sql`alter table notes add column colour text`.execute(db)),
    },
  };

  it('gives way to them when it does not get its lock, and comes back', async () => {
    const waiting = (): Promise<unknown[]> =>
      app.query(`select from pg_locks where not granted and relation = 'notes'::regclass`);
    const migrating = Promise.withResolvers<string[]>();
    // It is idle for almost as long as an app may be.
    const patient = new Database({
      url: databaseUrl,
      poolSize: 1,
      applicationName: 'reader',
      isPatient: true,
    });
    const reader = patient.transaction(async (inner) => {
      await inner.query('select from notes');
      migrating.resolve(migrate(database, colours));
      await eventually(async () => expect(await waiting()).toHaveLength(1));
      // It holds up who comes later until it gives way.
      await app.query('select from notes');
      expect(await waiting()).toEqual([]);
    });
    await reader;
    await patient.onApplicationShutdown();
    expect(await migrating.promise).toEqual(['2026-03-01-colours']);
  });

  it('comes back as often for the last of many as for the first', async () => {
    const { url } = await testDatabase();
    const fresh = new Database({ url, poolSize: 1, applicationName: 'migrations.spec', isPatient: true });
    const names = Array.from({ length: 25 }, (_, index) => `2026-01-01-${String(index).padStart(2, '0')}`);
    const many: Migrations = Object.fromEntries(names.map((name) => [name, { up: async () => {} }]));
    let tries = 0;
    many['2026-01-02-last'] = {
      up: async () => {
        tries += 1;
        if (tries === 1) throw Object.assign(new Error('no lock'), { code: '55P03' });
      },
    };
    expect(await migrate(fresh, many)).toEqual([...names, '2026-01-02-last']);
    await fresh.onApplicationShutdown();
  });

  it('is a transaction of its own, which may take its time', async () => {
    const seen: unknown[] = [];
    const look = {
      up: async (db: Kysely<unknown>) => {
        const { rows } = await sql<object>`
          select current_setting('transaction_timeout') as timeout, pg_current_xact_id()::text as id`.execute(db);
        seen.push(...rows);
      },
    };
    await migrate(database, { ...colours, '2026-04-01-one': look, '2026-04-01-two': look });
    const [one, two] = seen as { timeout: string; id: string }[];
    expect([one?.timeout, two?.timeout]).toEqual(['0', '0']);
    expect(one?.id).not.toBe(two?.id);
  });
});
