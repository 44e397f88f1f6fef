import { Database, migrate } from '#database';
import { ledgerMigrations } from '#ledger';
import { atEndOfFile } from './cleanup.ts';
import { testDatabase } from './database.ts';

/** A fresh database with the tables of the ledger; it ends with the test file. */
export async function ledgerDatabase(poolSize: number): Promise<Database> {
  const { url } = await testDatabase({ name: 'ledger', migrate: migrateAt });
  const database = open(url, poolSize);
  atEndOfFile(() => database.onApplicationShutdown());
  return database;
}

function open(url: string, poolSize: number): Database {
  return new Database({ url, poolSize, applicationName: 'test' });
}

async function migrateAt(url: string): Promise<void> {
  const migrating = open(url, 2);
  await migrate(migrating, ledgerMigrations);
  await migrating.onApplicationShutdown();
}
