import { setTimeout as delay } from 'node:timers/promises';
import { Kysely, PostgresDialect } from 'kysely';
import { Migrator, type Migration as KyselyMigration } from 'kysely/migration';
import { isConflict, isUnavailable } from './database-error.ts';
import type { Database } from './database.ts';

/** How often a migration is tried that others are in the way of, and the pause between, in milliseconds. */
const MOST_TRIES = 20;
const PAUSE_MS = 1_000;

/** How often an app that starts asks a Postgres that is away for a moment. */
const MOST_ASKED = 5;

/**
 * A change of the schema, in a transaction of its own. It is run while the apps of the release
 * before are in use, and go on: so it adds, and takes nothing away that they use; and it locks
 * one of their tables at most, since they take theirs in another order. See docs/versions.md.
 */
export interface Migration extends KyselyMigration {
  /** Marks one that takes away what was used once. */
  readonly contract?: Contract;
}

/** What a migration takes away, now that no release in use needs it. */
export interface Contract {
  /** The first release that does not use it any more, e.g. `0.2.0`. */
  unusedSince: string;
  /** Of the descriptions in test/mixed-deploy/schema.ts, the beginnings: `column actions.traceparent`. */
  takesAway: readonly string[];
}

/** Migrations by name; names sort by the time they were written: `2026-11-23-ledger`. */
export type Migrations = Record<string, Migration>;

/** Those of a later version, which has been here before it was rolled back: they stay as they are. */
async function laterMigrations(database: Database, migrations: Migrations): Promise<Migrations> {
  const [{ exists }] = (await database.query<{ exists: boolean }>(
    `select to_regclass('kysely_migration') is not null as exists`,
  )) as [{ exists: boolean }];
  const executed = exists ? await database.query<{ name: string }>('select name from kysely_migration') : [];
  const later = executed.filter(({ name }) => !Object.hasOwn(migrations, name));
  return Object.fromEntries(
    later.map(({ name }) => [name, { up: () => Promise.reject(new Error(`${name} is not known`)) }]),
  );
}

function migratorOf(database: Database, migrations: Migrations): Migrator {
  return new Migrator({
    db: new Kysely<unknown>({ dialect: new PostgresDialect({ pool: database.pool }) }),
    provider: { getMigrations: () => Promise.resolve(migrations) },
    // Two branches may add migrations; each is independent of the other's.
    allowUnorderedMigrations: true,
  });
}

/**
 * Brings the database to the present schema, or leaves a later one as it is; safe to run from
 * many processes at once, and beside apps: a migration that does not get its lock gives way,
 * and is tried again.
 *
 * @returns the names of the migrations that were applied
 */
export async function migrate(database: Database, migrations: Migrations): Promise<string[]> {
  const applied: string[] = [];
  for (let tries = 1; ; tries += 1) {
    const later = await laterMigrations(database, migrations);
    const { error, results = [] } = await migratorOf(database, { ...migrations, ...later }).migrateUp();
    if (error === undefined) {
      if (results.length === 0) return applied;
      applied.push(...results.map(({ migrationName }) => migrationName));
      tries = 0;
    } else if (isConflict(error) && tries < MOST_TRIES) await delay(PAUSE_MS);
    else if (await isOvertaken(database, migrations, later)) continue;
    else throw new Error(`migration ${results[0]?.migrationName ?? ''} failed`, { cause: error });
  }
}

/** Whether a later version has applied something since: it migrates at the same moment. */
async function isOvertaken(database: Database, migrations: Migrations, later: Migrations): Promise<boolean> {
  const now = await laterMigrations(database, migrations);
  return Object.keys(now).some((name) => !Object.hasOwn(later, name));
}

/** @throws {Error} when a migration is missing, or Postgres away: apps do not start on an old schema */
export async function assertMigrated(database: Database, migrations: Migrations): Promise<void> {
  const known = await knownMigrations(database, migrations);
  const missing = known.filter(({ executedAt }) => executedAt === undefined).map(({ name }) => name);
  if (missing.length > 0) {
    throw new Error(`the database lacks the migrations ${missing.join(', ')}: run "npm run migrate" first`);
  }
}

async function knownMigrations(database: Database, migrations: Migrations): ReturnType<Migrator['getMigrations']> {
  for (let asked = 1; ; asked += 1) {
    try {
      return await migratorOf(database, migrations).getMigrations();
    } catch (error) {
      if (!isUnavailable(error) || asked === MOST_ASKED) throw error;
      await delay(PAUSE_MS);
    }
  }
}
