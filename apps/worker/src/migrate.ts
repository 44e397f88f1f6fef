import 'reflect-metadata';
import { ActionCatalogue, RESOURCES } from '#actions';
import { DatabaseConfig, loadConfig } from '#config';
import { Database, isConflict, migrate } from '#database';
import { createDayStatement, grantToRoles, ledgerMigrations, missingDaysStatement, strayDaysStatement } from '#ledger';
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
    await createDays(database);
    const roles = await grantToRoles(database);
    if (roles.length > 0) process.stdout.write(`granted to ${roles.join(', ')}\n`);
  } finally {
    await database.onApplicationShutdown();
  }
}

/** Of a ledger without workers for a week, or restored, today has no partition: before apps write into it. */
async function createDays(database: Database): Promise<void> {
  try {
    for (const missing of [...(await missingDaysStatement(database)), ...(await strayDaysStatement(database))]) {
      const moved = await createDayStatement(database, missing, null);
      if (moved) process.stdout.write(`moved ${moved} ${missing.parent} to the partition of ${missing.day}\n`);
    }
  } catch (error) {
    if (!isConflict(error)) throw error;
    // Somebody reads for long, a backup perhaps. The apps do not need it in order to start.
    process.stdout.write(`partitions are left to the workers: ${String(error)}\n`);
  }
}

main().catch(failToStart);
