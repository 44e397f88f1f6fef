import { createHash, randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { atEndOfFile } from './cleanup.ts';
import { given } from './environment.ts';

export interface TestDatabase {
  url: string;
  drop(): Promise<void>;
}

/** A schema, and how an empty database comes to it. */
export interface Schema {
  /** Names it: two schemas never share a name. */
  name: string;
  migrate: (url: string) => Promise<unknown>;
}

/**
 * A fresh database in the Postgres that all tests share; dropped at the end of the test file.
 * A schema is made once, in a template that is copied from then on.
 */
export async function testDatabase(schema?: Schema): Promise<TestDatabase> {
  const name = `test_${randomBytes(8).toString('hex')}`;
  const template = schema ? await templateOf(schema) : 'template1';
  await onServer((server) => server.query(`CREATE DATABASE ${name} TEMPLATE ${template}`));
  const database = { url: urlOf(name), drop: () => dropDatabase(name) };
  atEndOfFile(database.drop);
  return database;
}

const templates = new Map<string, Promise<string>>();

function templateOf(schema: Schema): Promise<string> {
  const name = `template_${createHash('sha256').update(schema.name).digest('hex').slice(0, 16)}`;
  const made = templates.get(name) ?? makeTemplate(name, schema.migrate);
  templates.set(name, made);
  return made;
}

/** Other test processes want the same template at the same moment: a lock lets one make it. */
async function makeTemplate(name: string, migrate: (url: string) => Promise<unknown>): Promise<string> {
  await onServer(async (server) => {
    await server.query('SELECT pg_advisory_lock(hashtext($1))', [name]);
    const { rowCount } = await server.query('SELECT FROM pg_database WHERE datname = $1 AND datistemplate', [name]);
    if (rowCount) return;
    await server.query(`DROP DATABASE IF EXISTS ${name}`);
    await server.query(`CREATE DATABASE ${name}`);
    await migrate(urlOf(name));
    await server.query(`ALTER DATABASE ${name} IS_TEMPLATE true`);
  });
  return name;
}

async function dropDatabase(name: string): Promise<void> {
  await onServer((server) => server.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`));
}

async function onServer(work: (server: Client) => Promise<unknown>): Promise<void> {
  const server = new Client({ connectionString: urlOf('postgres') });
  await server.connect();
  try {
    await work(server);
  } finally {
    await server.end();
  }
}

function urlOf(database: string): string {
  const url = new URL(given('TEST_DATABASE_URL'));
  url.pathname = `/${database}`;
  return url.href;
}
