/**
 * `npm run bench:delivery [-- --runs=10 --clients=5000]`: what is lost, doubled or out of
 * order at the client library when things break, and how a storm of reconnects is taken.
 * `npm run bench:delivery -- announce [--clients=5000]`: an announcement to many connections.
 */
import { parseArgs } from 'node:util';
import { build } from '../infra/local/build.ts';
import { benchAnnouncements } from './delivery/announcements.ts';
import { benchRobustness } from './delivery/robustness.ts';

const { values, positionals } = parseArgs({
  options: { runs: { type: 'string', default: '10' }, clients: { type: 'string', default: '5000' } },
  allowPositionals: true,
});
const settings = { runs: Number(values.runs), clients: Number(values.clients) };

await build();
if (positionals.includes('announce')) await benchAnnouncements(settings);
else await benchRobustness(settings);
