/**
 * `npm run bench:delivery [-- --runs=10 --clients=5000 --retry=1000 --only=faults]`: what is lost, doubled
 * or out of order at the client library when things break, how somebody comes back to
 * thousands of outcomes, and how a storm of reconnects is taken. `--only` leaves the other
 * parts out: `faults`, `absence`, `storm`. `--only=announcements`: one of them to many connections;
 * `--only=death`: one of three gateways dies. `--retry` says after how many milliseconds clients come
 * back, give or take a half.
 */
import { parseArgs } from 'node:util';
import { build } from '../infra/local/build.ts';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '10' },
    clients: { type: 'string', default: '5000' },
    retry: { type: 'string' },
    only: { type: 'string' },
  },
});

await build();
// What it measures is built code: in a fresh clone there was none before.
const { runParts } = await import('./delivery/parts.ts');
await runParts({
  runs: Number(values.runs),
  clients: Number(values.clients),
  retryMs: values.retry === undefined ? undefined : Number(values.retry),
  only: values.only,
});
