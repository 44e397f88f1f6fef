import { Kysely, PostgresDialect } from 'kysely';
import { Migrator, type Migration } from 'kysely/migration';
import type { Database } from './database.ts';

export type { Migration } from 'kysely/migration';

/** Migrations by name; names sort by the time they were written: `2026-11-23-ledger`. */
export type Migrations = Record<string, Migration>;

function migratorOf(database: Database, migrations: Migrations): Migrator {
  return new Migrator({
    db: new Kysely<unknown>({ dialect: new PostgresDialect({ pool: database.pool }) }),
    provider: { getMigrations: () => Promise.resolve(migrations) },
    // Two branches may add migrations; each is independent of the other's.
    allowUnorderedMigrations: true,
  });
}

/**
 * Brings the database to the present schema; safe to run from many processes at once.
 *
 * @returns the names of the migrations that were applied
 */
export async function migrate(database: Database, migrations: Migrations): Promise<string[]> {
  const { error, results } = await migratorOf(database, migrations).migrateToLatest();
  const failed = results?.find((result) => result.status === 'Error');
  if (error !== undefined) {
    throw new Error(`migration ${failed?.migrationName ?? ''} failed`, { cause: error });
  }
  return (results ?? []).filter(({ status }) => status === 'Success').map(({ migrationName }) => migrationName);
}

/** @throws {Error} when a migration is missing: apps do not start on an old schema */
export async function assertMigrated(database: Database, migrations: Migrations): Promise<void> {
  const known = await migratorOf(database, migrations).getMigrations();
  const missing = known.filter(({ executedAt }) => executedAt === undefined).map(({ name }) => name);
  if (missing.length > 0) {
    throw new Error(`the database lacks the migrations ${missing.join(', ')}: run "npm run migrate" first`);
  }
}
