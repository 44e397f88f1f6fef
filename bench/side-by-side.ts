/**
 * `npm run bench [-- --only=throughput,latency --stacks=redis-adapter --rounds=5 --quick]`: ours
 * beside stock stacks and floors, in one run. Prints tables; JSON and charts go to `artifacts/bench/`.
 */
import { parseArgs } from 'node:util';
import { build } from '../infra/local/build.ts';
import { runTool } from '../infra/local/run-tool.ts';
import { runMeasures } from './side-by-side/run-measures.ts';

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    stacks: { type: 'string' },
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    users: { type: 'string' },
    workers: { type: 'string', default: '1' },
    quick: { type: 'boolean', default: false },
    'no-floors': { type: 'boolean', default: false },
    'no-build': { type: 'boolean', default: false },
  },
});

if (!values['no-build']) {
  await build();
  const { ok, output } = await runTool('typescript/bin/tsc', ['-p', 'bench/stacks/tsconfig.json']);
  if (!ok) throw new Error(`the stock stacks cannot be built:\n${output}`);
}
const listOf = (text: string | undefined): string[] | undefined => text?.split(',').filter(Boolean);
await runMeasures({
  only: listOf(values.only),
  stacks: listOf(values.stacks),
  rounds: Number(values.rounds ?? (values.quick ? 1 : 5)),
  seconds: Number(values.seconds ?? (values.quick ? 2 : 8)),
  users: Number(values.users ?? (values.quick ? 100 : 1_000)),
  workers: Number(values.workers),
  withFloors: !values['no-floors'],
  isQuick: values.quick,
});
