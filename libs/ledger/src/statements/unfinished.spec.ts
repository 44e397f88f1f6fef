import { v4 as uuidv4 } from 'uuid';
import { beforeAll, expect, it } from 'vitest';
import { Database, migrate } from '#database';
import { atEndOfFile, testDatabase } from '#testing';
import { ledgerMigrations } from '../migrations/index.ts';
import { unfinishedOfResourcesStatement } from './unfinished.ts';

let database: Database;

const open = (url: string): Database => new Database({ url, poolSize: 2, applicationName: 'unfinished.spec' });

async function migrateAt(url: string): Promise<void> {
  const migrating = open(url);
  await migrate(migrating, ledgerMigrations);
  await migrating.onApplicationShutdown();
}

beforeAll(async () => {
  const { url } = await testDatabase({ name: 'ledger.spec', migrate: migrateAt });
  database = open(url);
  atEndOfFile(() => database.onApplicationShutdown());
});

/** Unfinished actions of today; gives the id of the resource that each is on. */
async function addActions(count: number, resourceId: string): Promise<void> {
  await database.query(
    `insert into actions (id, seq, owner, type, resource_id, submitted_at, expires_at)
     select uuidv7(), nextval('action_seq'), 'alice', 'messages.edit', $2, now(), now() + interval '1 day'
     from generate_series(1, $1)`,
    [count, resourceId],
  );
}

it('what waits behind the first of a resource is not read, however much it is', async () => {
  const [busy, calm] = [uuidv4(), uuidv4()];
  await addActions(5_000, busy);
  await addActions(1, calm);
  await database.query('vacuum analyze actions');
  await database.transaction(async (sql) => {
    const rows = await unfinishedOfResourcesStatement(sql, [busy, calm], 4);
    expect(rows.map(({ resource_id }) => resource_id)).toEqual([busy, busy, busy, busy, calm]);
    const [stats] = await sql.query<{ read: number }>(
      `select sum(pg_stat_get_xact_tuples_returned(oid))::integer as read from pg_class
       where relkind = 'i' and relname like 'actions%'`,
    );
    expect(stats!.read).toBe(rows.length);
  });
});
