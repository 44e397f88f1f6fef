import { CompiledQuery, Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import type { Contract, Database, Migration } from '#database';

/** What apps can meet of a schema, each as a line; partitions are as their parents. */
const DESCRIBE = `
with tables as (
  select c.oid, c.relname as name from pg_class c
  where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p', 'v', 'm')
    and not c.relispartition and c.relname not like 'kysely%'
)
select concat_ws(' ', 'column', t.name || '.' || a.attname, format_type(a.atttypid, a.atttypmod),
  case when a.attnotnull then 'not null' end, 'default ' || pg_get_expr(d.adbin, d.adrelid)) as line
from tables t join pg_attribute a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
left join pg_attrdef d on d.adrelid = t.oid and d.adnum = a.attnum
union all
select concat_ws(' ', 'constraint', t.name || '.' || c.conname, pg_get_constraintdef(c.oid))
from tables t join pg_constraint c on c.conrelid = t.oid and c.contype <> 'n'
union all
select concat_ws(' ', 'unique', t.name || '.' || i.indexrelid::regclass)
from tables t join pg_index i on i.indrelid = t.oid and i.indisunique
union all
select concat_ws(' ', 'trigger', t.name || '.' || g.tgname)
from tables t join pg_trigger g on g.tgrelid = t.oid and not g.tgisinternal
union all
select concat_ws(' ', 'function', p.oid::regprocedure, 'returns', pg_get_function_result(p.oid))
from pg_proc p where p.pronamespace = current_schema()::regnamespace
union all
select concat_ws(' ', 'type', e.enumtypid::regtype, string_agg(e.enumlabel, ', ' order by e.enumsortorder))
from pg_enum e group by e.enumtypid
union all
select concat_ws(' ', 'sequence', c.relname)
from pg_class c where c.relnamespace = current_schema()::regnamespace and c.relkind = 'S'`;

const TABLES = `
select c.relname as name from pg_class c
where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p') and not c.relispartition`;

/** Tables that a transaction keeps others from writing into, or from using at all. */
const LOCKED = `
select distinct coalesce(pg_partition_root(c.oid)::oid, c.oid)::regclass::text as name
from pg_locks l join pg_class c on c.oid = l.relation and c.relkind in ('r', 'p')
where l.pid = pg_backend_pid() and c.relnamespace = current_schema()::regnamespace
  and l.mode in ('AccessExclusiveLock', 'ExclusiveLock', 'ShareRowExclusiveLock', 'ShareLock')`;

async function query<Row>(url: string, text: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(text)).rows as Row[];
  } finally {
    await client.end();
  }
}

/** Describes what is in a database: columns, constraints, functions and so on, a line each. */
export async function describeSchema(url: string): Promise<string[]> {
  return (await query<{ line: string }>(url, DESCRIBE)).map(({ line }) => line).toSorted();
}

/** Adds what a later release may: a column to each table, one after the other. */
export async function expandTables(url: string): Promise<void> {
  for (const { name } of await query<{ name: string }>(url, TABLES)) {
    await query(url, `alter table ${name} add column of_a_later_release text default 'new'`);
  }
}

/** Applies a migration, and tells which of the tables that are described it has locked until its end. */
export async function locksOf(database: Database, migration: Migration, before: readonly string[]): Promise<string[]> {
  const tables = new Set(before.map(tableOf));
  const kysely = new Kysely<unknown>({ dialect: new PostgresDialect({ pool: database.pool }) });
  return kysely.transaction().execute(async (transaction) => {
    await migration.up(transaction);
    const { rows } = await transaction.executeQuery<{ name: string }>(CompiledQuery.raw(LOCKED));
    return rows.map(({ name }) => name).filter((name) => tables.has(name));
  });
}

/** What asks more of those who write into a table than they know of. */
const ASKS_MORE = /^(constraint|unique|trigger) |^column [^ ]+ .*not null(?!.* default )/;

function tableOf(line: string): string | undefined {
  return /^(?:column|constraint|unique|trigger) ([^. ]+)\./.exec(line)?.[1];
}

/**
 * What of a new schema apps made for the old one cannot live with, a line each: what is gone or
 * changed, and what asks more of them in the tables that they know.
 *
 * @param contracts what may be gone, by the migrations that say so
 * @param release the one of the old schema
 */
export function breaches(
  before: readonly string[],
  after: readonly string[],
  contracts: readonly Contract[],
  release: string,
): string[] {
  const [old, present] = [new Set(before), new Set(after)];
  const tables = new Set(before.map(tableOf));
  const isUnused = (line: string): boolean =>
    contracts.some(
      ({ unusedSince, takesAway }) =>
        unusedSince.localeCompare(release, 'en', { numeric: true }) <= 0 &&
        takesAway.some((start) => `${line} `.startsWith(`${start} `)),
    );
  return [
    ...before.filter((line) => !present.has(line) && !isUnused(line)).map((line) => `gone or changed: ${line}`),
    ...after
      .filter((line) => !old.has(line) && ASKS_MORE.test(line) && tables.has(tableOf(line)) && !isUnused(line))
      .map((line) => `asks more: ${line}`),
  ];
}
