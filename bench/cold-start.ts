/**
 * `npm run bench:cold-start [-- --runs=10]`: how long a fresh process takes until its first
 * answer, from the moment it is started. The api as the compiler writes it, as one bundle, and
 * the bundle with Node's compile cache: each to its first 202, on real stores. For comparison
 * the first 200 of a Nest application that has one route, and nothing else.
 */
import { fork } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { buildBundle } from '../infra/bundle/build.ts';
import { build } from '../infra/local/build.ts';
import { ROOT } from '../infra/local/run-tool.ts';
import { startBenchStores } from './cold-start/stores.ts';

const INVOKE = fileURLToPath(new URL('cold-start/invoke.mjs', import.meta.url));

const { values } = parseArgs({ options: { runs: { type: 'string', default: '10' } } });
const runs = Number(values.runs);

/** Milliseconds from the start of a process to its first answer. */
function firstAnswer(module: string, env: NodeJS.ProcessEnv): Promise<number> {
  const startedAt = performance.now();
  const child = fork(INVOKE, [module], { env: { ...process.env, ...env } });
  return new Promise((resolve, reject) => {
    child.once('message', (status: number) => {
      const tookMs = performance.now() - startedAt;
      child.kill('SIGKILL');
      if (status === 202 || status === 200) resolve(tookMs);
      else reject(new Error(`${module} answered ${status}`));
    });
    child.once('exit', (code) => reject(new Error(`${module} ended with ${code}`)));
  });
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]!;
}

await build();
await buildBundle();
const stores = await startBenchStores();
const cache = await mkdtemp(join(tmpdir(), 'tidings-compile-cache-'));
try {
  const bundle = join(ROOT, 'dist/bundle/lambda.mjs');
  const contestants: Record<string, [module: string, env: NodeJS.ProcessEnv]> = {
    'api, compiled': [join(ROOT, 'dist/apps/api/src/lambda.js'), stores.env],
    'api, one bundle': [bundle, stores.env],
    'api, one bundle and compile cache': [bundle, { ...stores.env, NODE_COMPILE_CACHE: cache }],
    'bare Nest application': [fileURLToPath(new URL('cold-start/bare-nest.mjs', import.meta.url)), {}],
  };
  const times: Record<string, number[]> = {};
  // In turns, so that whatever else the machine does meets all of them; the first turn fills caches.
  for (let run = 0; run <= runs; run += 1) {
    for (const [name, [module, env]] of Object.entries(contestants)) {
      const tookMs = await firstAnswer(module, env);
      if (run > 0) (times[name] ??= []).push(tookMs);
    }
  }
  console.table(
    Object.fromEntries(
      Object.entries(times).map(([name, all]) => [
        name,
        { 'median, ms': Math.round(median(all)), 'least, ms': Math.round(Math.min(...all)) },
      ]),
    ),
  );
} finally {
  await stores.stop();
  await rm(cache, { recursive: true, force: true });
}
