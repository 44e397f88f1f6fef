import { sql, type Kysely } from 'kysely';
import pg from 'pg';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { ActionCatalogue, RESOURCES } from '#actions';
import { Database, type Migrations } from '#database';
import { ledgerMigrations } from '#ledger';
import { migrate, testDatabase } from '#testing';
import { ROOT } from '../../infra/local/run-tool.ts';
import type { KeptRelease } from '../../infra/release/kept.ts';
import { previousRelease } from './previous-release.ts';
import { breaches, describeSchema, locksOf } from './schema.ts';

const migrations: Migrations = {
  ...ledgerMigrations,
  ...new ActionCatalogue(RESOURCES.map((Resource) => new Resource())).migrations,
};

let previous: KeptRelease;
/** The schema of the previous release, what the present migrations make of it, and of an empty database. */
let [before, after, fresh]: string[][] = [];

beforeAll(async () => {
  previous = await previousRelease();
  const [old, upgraded, empty] = await Promise.all(
    [previous.root, previous.root, ROOT].map(async (root) => (await testDatabase(schemaOf(root))).url),
  );
  before = await describeSchema(old!);
  await migrate(upgraded!);
  after = await describeSchema(upgraded!);
  fresh = await describeSchema(empty!);
}, 120_000);

async function databaseOfPrevious(): Promise<Database> {
  const { url } = await testDatabase(schemaOf(previous.root));
  const database = new Database({ url, poolSize: 1, applicationName: 'migrations.spec', isPatient: true });
  onTestFinished(() => database.onApplicationShutdown());
  return database;
}

function schemaOf(root: string) {
  return { name: `system ${root}`, migrate: (url: string) => migrate(url, root) };
}

describe('the migrations since the previous release', () => {
  it('lock one table at most that it uses, each', async () => {
    const database = await databaseOfPrevious();
    const known = await database.query<{ name: string }>('select name from kysely_migration');
    const executed = new Set(known.map(({ name }) => name));
    const added = Object.entries(migrations).filter(([name]) => !executed.has(name));
    for (const [name, migration] of added.toSorted(([a], [b]) => (a < b ? -1 : 1))) {
      expect({ name, locks: (await locksOf(database, migration, before!)).slice(1) }).toEqual({ name, locks: [] });
    }
  });

  it('add, and take nothing away that it uses, unless it is marked as unused by then', () => {
    const contracts = Object.values(migrations).flatMap(({ contract }) => contract ?? []);
    expect(breaches(before!, after!, contracts, previous.version)).toEqual([]);
  });

  it('end where those of an empty database end', () => {
    expect(after).toEqual(fresh);
  });
});

describe('a migration is found out that', () => {
  async function breachesOf(statement: string, contracts: Parameters<typeof breaches>[2] = []): Promise<string[]> {
    const { url } = await testDatabase(schemaOf(previous.root));
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    await client.query(statement);
    await client.end();
    return breaches(before!, await describeSchema(url), contracts, previous.version);
  }

  it.each([
    ['drops a column', 'alter table messages drop column text'],
    ['renames a column', 'alter table actions rename column traceparent to trace'],
    ['changes a type', 'alter table actions alter column attempts type integer'],
    ['no longer takes null', 'alter table actions alter column payload set not null'],
    ['drops a default', 'alter table actions alter column attempts drop default'],
    ['drops a table', 'drop table deliveries'],
    ['drops a function', 'drop function create_ledger_partitions_of'],
    [
      'gives a function another result',
      'drop function uuidv7_at; create function uuidv7_at(at timestamptz) returns text language sql return null',
    ],
    ['drops a sequence', 'drop sequence action_seq'],
    ['adds a status', `alter type action_status add value 'refused'`],
    ['adds a column that must be given', 'alter table actions add column tenant text not null'],
    ['adds a constraint', 'alter table messages add constraint short check (length(text) < 10)'],
    ['adds a unique index', 'create unique index one_each on messages (author)'],
  ])('%s', async (_, statement) => {
    expect(await breachesOf(statement)).not.toEqual([]);
  });

  it.each([
    ['adds a column', 'alter table actions add column note text'],
    ['adds a column with a default', `alter table actions add column tenant text not null default 'all'`],
    ['adds a table', 'create table pins (id uuid primary key, owner text not null unique)'],
    [
      'adds an index and a function',
      'create index on messages (created_at); create function two() returns integer language sql return 2',
    ],
  ])('but not one that %s', async (_, statement) => {
    expect(await breachesOf(statement)).toEqual([]);
  });

  it('locks two tables', async () => {
    const database = await databaseOfPrevious();
    const up = async (db: Kysely<unknown>): Promise<void> => {
      await sql`alter table actions add column note text`.execute(db);
      await sql`create index on deliveries ("offset")`.execute(db);
    };
    expect((await locksOf(database, { up }, before!)).toSorted()).toEqual(['actions', 'deliveries']);
  });

  it('but not one that takes away what the previous release does not use any more', async () => {
    const drop = 'alter table actions drop column traceparent';
    const takesAway = ['column actions.traceparent'];
    expect(await breachesOf(drop, [{ unusedSince: previous.version, takesAway }])).toEqual([]);
    expect(await breachesOf(drop, [{ unusedSince: '99.0.0', takesAway }])).toHaveLength(1);
    expect(
      await breachesOf(drop, [{ unusedSince: previous.version, takesAway: ['column actions.trace'] }]),
    ).toHaveLength(1);
  });
});
