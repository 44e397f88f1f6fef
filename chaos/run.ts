/**
 * `npm run chaos [-- --profile=short|singles|long --seed=7 --only=redis-hung]`: breaks everything
 * that can break, on real processes and under load, and compares what everybody heard with
 * what was asked for. Prints what it did, writes a report into `artifacts/chaos`, and exits
 * with 1 when anything was lost, doubled, out of order, foreign or made up.
 */
import { randomInt } from 'node:crypto';
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from '../infra/local/build.ts';
import { DATA } from '../infra/local/data-folder.ts';
import { findRedis } from '../infra/local/redis-program.ts';
import { parseChaosOptions } from './campaign/options.ts';

const say = (line: string): void => console.log(line);

async function main(folder: string): Promise<boolean> {
  const options = parseChaosOptions(process.argv.slice(2), randomInt(1_000_000));
  // So that the user as whom Postgres runs finds the way.
  await chmod(folder, 0o755);
  // Where servers of tests find what they need.
  process.env['TEST_FOLDER'] = folder;
  process.env['TEST_REDIS_PROGRAM'] = JSON.stringify(await findRedis(say));
  if (!options.isBuilt) await build();
  // What it uses is built code: in a fresh clone there was none before.
  const { runChaos } = await import('./campaign/chaos.ts');
  const { endAll } = await import('#testing');
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => void endAll().finally(() => process.exit(1)));
  }
  try {
    return await runChaos(options, folder, say);
  } finally {
    await endAll();
  }
}

await mkdir(DATA, { recursive: true });
const folder = await mkdtemp(join(DATA, 'chaos-'));
try {
  process.exitCode = (await main(folder)) ? 0 : 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
}
// Connections that wait for a retry are of no interest any more.
process.exit();
