/**
 * `npm run bench [-- --only=throughput,latency --stacks=redis-adapter --rounds=5 --quick]`: ours
 * beside stock stacks and floors, in one run. Prints tables; these, JSON and charts go to
 * `artifacts/bench/`. `--publish` puts what was measured last into docs/performance.md instead.
 */
import { parseArgs } from 'node:util';
import { build } from '../infra/local/build.ts';
import { runTool } from '../infra/local/run-tool.ts';

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    stacks: { type: 'string' },
    rounds: { type: 'string' },
    /** Of load, in a round. */
    seconds: { type: 'string' },
    users: { type: 'string' },
    workers: { type: 'string', default: '1' },
    /** A smoke run: that it works, not how fast. */
    quick: { type: 'boolean', default: false },
    'no-floors': { type: 'boolean', default: false },
    /** With what was built before. */
    'no-build': { type: 'boolean', default: false },
    publish: { type: 'boolean', default: false },
  },
});

if (!values['no-build'] && !values.publish) await buildAll();
// What it measures is built code: in a fresh clone there was none before.
const { publishResults } = await import('./side-by-side/results.ts');
const { MEASURE_NAMES, runMeasures } = await import('./side-by-side/run-measures.ts');

const only = listOf(values.only);
if (values.publish) {
  const published = await publishResults(only ?? MEASURE_NAMES);
  console.log(`docs/performance.md now shows ${published.join(', ')}`);
} else {
  await runMeasures({
    only,
    stacks: listOf(values.stacks),
    rounds: Number(values.rounds ?? (values.quick ? 1 : 5)),
    seconds: Number(values.seconds ?? (values.quick ? 2 : 8)),
    users: Number(values.users ?? (values.quick ? 100 : 1_000)),
    workers: Number(values.workers),
    withFloors: !values['no-floors'],
    isQuick: values.quick,
  });
}

function listOf(text: string | undefined): string[] | undefined {
  return text?.split(',').filter(Boolean);
}

async function buildAll(): Promise<void> {
  await build();
  const { ok, output } = await runTool('typescript/bin/tsc', ['-p', 'bench/stacks/tsconfig.json']);
  if (!ok) throw new Error(`the stock stacks cannot be built:\n${output}`);
}
