/**
 * What processing guarantees, at full size: `npm run bench:processing`. It has a Redis and a
 * Postgres of its own, prints a table, and exits with 1 when a guarantee does not hold.
 */
import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build } from '../infra/local/build.ts';
import { DATA } from '../infra/local/data-folder.ts';
import { startPostgres } from '../infra/local/postgres.ts';
import { findRedis } from '../infra/local/redis-program.ts';
import { startRedis } from '../infra/local/redis.ts';
import { ROOT } from '../infra/local/run-tool.ts';
import type { Servers } from './processing/installation.ts';
import type { Figure } from './processing/figure.ts';

type Measurement = (servers: Servers) => Promise<Figure[]>;

/** Loaded when they are needed: they use libs, which have to be built first. */
const MEASUREMENTS: Readonly<Record<string, () => Promise<Measurement>>> = {
  order: async () => (await import('./processing/order.ts')).measureOrder,
  deaths: async () => (await import('./processing/deaths.ts')).measureDeaths,
  cancellation: async () => (await import('./processing/cancellation.ts')).measureCancellation,
  sustained: async () => (await import('./processing/sustained.ts')).measureSustained,
  'hot-room': async () => (await import('./processing/hot-room.ts')).measureHotRoom,
};

async function main(wanted: readonly string[]): Promise<boolean> {
  const unknown = wanted.find((name) => !Object.hasOwn(MEASUREMENTS, name));
  if (unknown !== undefined) throw new Error(`unknown: ${unknown}; there are ${Object.keys(MEASUREMENTS).join(', ')}`);
  await mkdir(DATA, { recursive: true });
  const folder = await mkdtemp(join(DATA, 'bench-'));
  // So that the user as whom Postgres runs finds the way.
  await chmod(folder, 0o755);
  await build();
  const { Installation } = await import('./processing/installation.ts');
  const program = await findRedis(console.log);
  const redis = await startRedis({ folder: join(folder, 'redis'), program });
  const postgres = await startPostgres({ folder: join(folder, 'postgres'), durable: false });
  const figures: Figure[] = [];
  try {
    const migrate = async (url: string): Promise<void> => {
      const env = { ...process.env, NODE_ENV: 'test', DATABASE_URL: url, REDIS_URL: redis.url };
      await promisify(execFile)(process.execPath, [join(ROOT, 'dist/apps/worker/src/migrate.js')], { env });
    };
    for (const [name, load] of Object.entries(MEASUREMENTS)) {
      if (wanted.length > 0 && !wanted.includes(name)) continue;
      console.log(`measuring: ${name}`);
      const measure = await load();
      figures.push(...(await measure({ redis: redis.url, postgres: postgres.url, migrate })));
    }
  } finally {
    await Installation.stopAll();
    await Promise.all([redis.stop(), postgres.stop()]);
    await rm(folder, { recursive: true, force: true });
    if (!postgres.folder.startsWith(folder)) await rm(postgres.folder, { recursive: true, force: true });
  }
  print(figures);
  return figures.every(({ holds }) => holds !== false);
}

function print(figures: readonly Figure[]): void {
  console.table(
    figures.map(({ name, value, wanted = '', holds }) => ({
      figure: name,
      value,
      wanted,
      '': holds === undefined ? '' : holds ? 'holds' : 'FAILS',
    })),
  );
}

try {
  process.exitCode = (await main(process.argv.slice(2))) ? 0 : 1;
} catch (error) {
  console.error(error);
  process.exitCode = 1;
}
