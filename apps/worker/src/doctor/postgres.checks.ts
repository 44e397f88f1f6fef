import { assertMigrated, Database, SERVER_SETTINGS, type Migrations } from '#database';
import { clockFinding, failure, ok, warning, type Finding } from './finding.ts';

const OLDEST = 170_000;

/** Part of all connections beyond which there is no room for another process. */
const MOST_IN_USE = 0.8;

/** Handlers may take as long, in milliseconds; a shorter limit of the server would end them. */
const SHORTEST_TIMEOUT_MS = 8_000;

interface Settings {
  version: number;
  name: string;
  most: number;
  reserved: number;
  used: number;
  fsync: string;
  full_page_writes: string;
  synchronous_commit: string;
  isolation: string;
  read_only: string;
  statement_timeout_ms: number;
}

const SETTINGS = `
select current_setting('server_version_num')::integer as version, current_setting('server_version') as name,
  current_setting('max_connections')::integer as most,
  current_setting('superuser_reserved_connections')::integer as reserved,
  (select count(*)::integer from pg_stat_activity where backend_type = 'client backend') as used,
  current_setting('fsync') as fsync, current_setting('full_page_writes') as full_page_writes,
  current_setting('synchronous_commit') as synchronous_commit,
  current_setting('default_transaction_isolation') as isolation,
  current_setting('transaction_read_only') as read_only,
  (select setting::integer from pg_settings where name = 'statement_timeout') as statement_timeout_ms`;

const STRAYS = `
select array_remove(array[
  case when exists (select from actions_default) then 'actions_default' end,
  case when exists (select from events_default) then 'events_default' end
], null) as tables`;

export interface PostgresOptions {
  url: string;
  poolSize: number;
  /** How many processes of all apps there are. */
  processes: number;
  migrations: Migrations;
}

/** Checks the server of the ledger. */
export async function checkPostgres({ url, ...options }: PostgresOptions): Promise<Finding[]> {
  const database = new Database({ url, poolSize: 1, applicationName: 'tidings-doctor' });
  try {
    const [settings] = await database.query<Settings>(SETTINGS);
    return [
      ...judge(settings!, options),
      await settingsFinding(database),
      ...(await schemaFindings(database, options.migrations)),
      await clockFinding('postgres clock', async () => {
        const sql = 'select extract(epoch from clock_timestamp())::double precision * 1000 as now';
        const [row] = await database.query<{ now: number }>(sql);
        return row!.now;
      }),
    ];
  } catch (error) {
    return [failure('postgres', String(error), 'start it, or correct DATABASE_URL')];
  } finally {
    await database.onApplicationShutdown();
  }
}

function judge(
  settings: Settings,
  { poolSize, processes }: Pick<PostgresOptions, 'poolSize' | 'processes'>,
): Finding[] {
  const { version, name, most, reserved, used, statement_timeout_ms: timeout } = settings;
  const room = most - reserved;
  const needed = poolSize * processes;
  const connections = `${room} for ${processes} processes of ${poolSize} each, ${used} in use`;
  const durability = `fsync ${settings.fsync}, full_page_writes ${settings.full_page_writes}, synchronous_commit ${settings.synchronous_commit}`;
  const isDurable =
    settings.fsync === 'on' && settings.full_page_writes === 'on' && settings.synchronous_commit !== 'off';
  return [
    version >= OLDEST
      ? ok('postgres version', name)
      : failure('postgres version', name, 'use Postgres 17 or later: older ones have no transaction_timeout'),
    needed > room
      ? failure(
          'postgres connections',
          connections,
          `raise max_connections above ${needed + reserved}, or lower DATABASE_POOL_SIZE`,
        )
      : used > room * MOST_IN_USE
        ? warning('postgres connections', connections, 'raise max_connections: hardly any are left')
        : ok('postgres connections', connections),
    isDurable
      ? ok('postgres durability', durability)
      : failure('postgres durability', durability, 'turn them on: a crash may lose actions that were answered 202'),
    settings.isolation === 'read committed'
      ? ok('postgres isolation', settings.isolation)
      : failure('postgres isolation', settings.isolation, "set default_transaction_isolation to 'read committed'"),
    settings.read_only === 'off'
      ? ok('postgres role', 'takes writes')
      : failure('postgres role', 'is read-only, a standby perhaps', 'let DATABASE_URL lead to the primary'),
    timeout === 0 || timeout >= SHORTEST_TIMEOUT_MS
      ? ok('postgres statement_timeout', timeout === 0 ? 'none' : `${timeout} ms`)
      : warning('postgres statement_timeout', `${timeout} ms`, `set none, or ${SHORTEST_TIMEOUT_MS} ms or more`),
  ];
}

/** What an app asks for when it connects may be overruled by `DATABASE_URL`, or ignored by a pooler. */
async function settingsFinding(database: Database): Promise<Finding> {
  const rows = await database.query<{ name: string; value: string }>(
    'select name, current_setting(name) as value from unnest($1::text[]) as name',
    [Object.keys(SERVER_SETTINGS)],
  );
  const wrong = rows.filter(({ name, value }) => value !== SERVER_SETTINGS[name]);
  return wrong.length === 0
    ? ok('postgres limits', `transactions end after ${SERVER_SETTINGS['transaction_timeout']}`)
    : failure(
        'postgres limits',
        wrong.map(({ name, value }) => `${name} is ${value}`).join(', '),
        `set them for the role of each app, as infra/postgres/roles.sql does: ${wrong.map(({ name }) => `${name} = '${SERVER_SETTINGS[name]}'`).join(', ')}`,
      );
}

async function schemaFindings(database: Database, migrations: Migrations): Promise<Finding[]> {
  try {
    await assertMigrated(database, migrations);
  } catch (error) {
    return [failure('migrations', error instanceof Error ? error.message : String(error), 'run "npm run migrate"')];
  }
  return [ok('migrations', `all ${Object.keys(migrations).length} are applied`), await strayFinding(database)];
}

/** Rows in a default partition are never dropped, and the more there are, the longer each new day takes to make. */
async function strayFinding(database: Database): Promise<Finding> {
  const [row] = await database.query<{ tables: string[] }>(STRAYS);
  const { tables } = row!;
  return tables.length === 0
    ? ok('ledger partitions', 'each row is in the partition of its day')
    : warning(
        'ledger partitions',
        `rows are in ${tables.join(', ')}`,
        'run "npm run migrate", which moves them; what stays is of the future: synchronise the clocks of the apps (NTP)',
      );
}
