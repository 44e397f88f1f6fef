import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { testDatabase } from '#testing';
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

let database: Database;

beforeAll(async () => {
  const { url } = await testDatabase();
  // As `npm run migrate` has it.
  database = new Database({ url, poolSize: 1, applicationName: 'migrations.spec' });
});

afterAll(() => database.onApplicationShutdown());

describe('a version that is rolled back to', () => {
  it('leaves the later schema as it is, and starts on it', async () => {
    expect(await migrate(database, first)).toEqual(['2026-01-01-notes']);
    expect(await migrate(database, later)).toEqual(['2026-02-01-pins']);
    expect(await migrate(database, first)).toEqual([]);
    await expect(assertMigrated(database, first)).resolves.toBeUndefined();
    await database.query('insert into notes (id, pinned) values (1, true)');
    expect(await migrate(database, later)).toEqual([]);
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
