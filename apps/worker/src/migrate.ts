import 'reflect-metadata';
import { ActionCatalogue, RESOURCES } from '#actions';
import { DatabaseConfig, loadConfig } from '#config';
import { Database, migrate } from '#database';
import { grantToRoles, ledgerMigrations } from '#ledger';
import { failToStart } from '#telemetry';

/** Brings the database to the present schema: run it before a new version of the apps. */
async function main(): Promise<void> {
  const { DATABASE_URL } = loadConfig(DatabaseConfig);
  const database = new Database({
    url: DATABASE_URL,
    poolSize: 1,
    applicationName: 'tidings-migrate',
    isPatient: true,
  });
  try {
    const { migrations } = new ActionCatalogue(RESOURCES.map((Resource) => new Resource()));
    const applied = await migrate(database, { ...ledgerMigrations, ...migrations });
    process.stdout.write(applied.length > 0 ? `migrated: ${applied.join(', ')}\n` : 'nothing to migrate\n');
    const roles = await grantToRoles(database);
    if (roles.length > 0) process.stdout.write(`granted to ${roles.join(', ')}\n`);
  } finally {
    await database.onApplicationShutdown();
  }
}

main().catch(failToStart);
