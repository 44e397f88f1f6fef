import { v4 as uuidv4, v7 as uuidv7 } from 'uuid';
import { beforeAll, expect, it } from 'vitest';
import { Database, migrate } from '#database';
import { atEndOfFile, testDatabase } from '#testing';
import { ledgerMigrations } from '../migrations/index.ts';
import { forgetAttemptStatement, recordAttemptStatement, retryLaterStatement } from './attempt.ts';

const MOST = 5;

let database: Database;

const open = (url: string): Database => new Database({ url, poolSize: 2, applicationName: 'attempt.spec' });

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

/** An action that two workers take up at the same moment: both have recorded an attempt. */
async function takenUpTwice(): Promise<{ id: string; attempts: () => Promise<number> }> {
  const [id, resource] = [uuidv7(), uuidv4()];
  await database.query(
    `insert into actions (id, seq, owner, type, resource_id, submitted_at, expires_at)
     values ($1, nextval('action_seq'), 'alice', 'messages.edit', $2, now(), now() + interval '1 day')`,
    [id, resource],
  );
  for (const attempt of [1, 2])
    expect(await recordAttemptStatement(database, resource, id, MOST)).toMatchObject({ attempt });
  const attempts = async (): Promise<number> => {
    const [row] = await database.query<{ attempts: number }>('select attempts from actions where id = $1', [id]);
    return row!.attempts;
  };
  return { id, attempts };
}

it('an attempt that could not start does not count, also when two workers meet at it', async () => {
  const { id, attempts } = await takenUpTwice();
  await forgetAttemptStatement(database, id);
  await forgetAttemptStatement(database, id);
  expect(await attempts()).toBe(0);
});

it('an attempt that failed counts, and not that of who could not start meanwhile', async () => {
  const { id, attempts } = await takenUpTwice();
  await retryLaterStatement(database, id, 60_000);
  await forgetAttemptStatement(database, id);
  expect(await attempts()).toBe(1);
});
