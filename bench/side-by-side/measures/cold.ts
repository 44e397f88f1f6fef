import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as delay } from 'node:timers/promises';
import { Pool } from 'undici';
import { buildBundle } from '../../../infra/bundle/build.ts';
import { freePort } from '../../../infra/local/ports.ts';
import { ManagedProcess } from '../../../infra/local/managed-process.ts';
import { ROOT } from '../../../infra/local/run-tool.ts';
import { tokenOf } from '../../load/token.ts';
import type { Measure, Sample, Samples } from '../measure.ts';
import { ProcessTimes } from '../processes.ts';
import { withSystems } from '../running.ts';
import type { BenchSystem } from '../system.ts';

/** Time between two attempts, in milliseconds. */
const ASK_EVERY_MS = 3;

const BODY = JSON.stringify({ text: 'a message of ordinary length, as people write them' });

/** What is started, by name. */
async function buildMains(): Promise<Map<string, string>> {
  return new Map([
    ['bare Nest', join(ROOT, 'dist/bench/stacks/app/bare.main.js')],
    ['tidings, tsc', join(ROOT, 'dist/apps/api/src/main.js')],
    ['tidings, bundle', await buildBundle('main')],
    ['node:http', fileURLToPath(new URL('../../floors/http.main.ts', import.meta.url))],
  ]);
}

/** From the start of an api process to the first 202. */
export const cold: Measure = {
  name: 'cold',
  title: 'Cold start of the api',
  metrics: [
    { key: 'ms', title: 'start to the first 202', unit: 'ms', better: 'lower', wanted: 1.6 },
    { key: 'cpu', title: 'CPU until then', unit: 'ms', better: 'lower' },
  ],
  drawn: ['ms', 'cpu'],
  compared: () => ({ ours: 'tidings, bundle', stocks: ['bare Nest'] }),
  run: (options) =>
    withSystems({ ...options, kinds: options.kinds.filter(({ isOurs }) => isOurs) }, 0, async ([system]) => {
      const mains = await buildMains();
      const samples: Samples = new Map([...mains.keys()].map((name) => [name, []]));
      for (let round = 0; round < options.rounds; round += 1) {
        for (const [name, main] of mains) {
          const sample = await startOnce(system!, main);
          samples.get(name)!.push(sample);
          options.say(`round ${round + 1}, ${name}: ${Math.round(sample['ms']!)} ms`);
        }
      }
      return samples;
    }),
};

async function startOnce(system: BenchSystem, main: string): Promise<Sample> {
  const port = await freePort();
  const pool = new Pool(`http://127.0.0.1:${port}`);
  const authorization = `Bearer ${tokenOf('cold', system.target.secret)}`;
  const before = await ProcessTimes.read();
  const startedAt = performance.now();
  const api = new ManagedProcess({
    name: 'cold',
    command: process.execPath,
    args: [main],
    env: { ...process.env, ...system.environment, PORT: String(port), HOST: '127.0.0.1' },
    isReady: () => Promise.resolve(true),
  });
  await api.start();
  while (!(await isAccepted(pool, authorization))) {
    if (!api.isRunning) throw new Error(`${main} ended:\n${api.logs()}`);
    await delay(ASK_EVERY_MS);
  }
  const ms = performance.now() - startedAt;
  const after = await ProcessTimes.read();
  const cpu = after.of([api.pid!]);
  const foreign = after.foreignSince(before);
  await api.kill();
  await pool.destroy();
  return { ms, cpu, foreign };
}

async function isAccepted(pool: Pool, authorization: string): Promise<boolean> {
  const headers = { authorization, 'content-type': 'application/json' };
  return pool.request({ method: 'POST', path: '/v1/messages', headers, body: BODY }).then(
    async ({ statusCode, body }) => {
      await body.dump();
      return statusCode === 202;
    },
    () => false,
  );
}
