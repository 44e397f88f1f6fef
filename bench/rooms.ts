/**
 * `npm run bench:rooms [-- --rooms=50 --members=20 --seconds=20]`: full rooms over four
 * gateways, members that come and go, a gateway killed. What each member heard is compared
 * with what the ledger says it was entitled to; exits with 1 when that is not the same.
 */
import { parseArgs } from 'node:util';
import { build } from '../infra/local/build.ts';

const { values } = parseArgs({
  options: {
    rooms: { type: 'string', default: '50' },
    members: { type: 'string', default: '20' },
    seconds: { type: 'string', default: '20' },
  },
});

await build();
// What it measures is built code: in a fresh clone there was none before.
const { startBenchSystem } = await import('./delivery/system.ts');
const { runCrowd } = await import('./rooms/crowd-run.ts');
const system = await startBenchSystem(4);
try {
  const { done, figures } = await runCrowd(system, {
    rooms: Number(values.rooms),
    membersEach: Number(values.members),
    seconds: Number(values.seconds),
  });
  for (const line of done) console.log(line);
  console.table(figures);
  if (Object.values(figures).some(({ is, wanted }) => wanted !== undefined && is !== wanted)) process.exitCode = 1;
} finally {
  await system.stop();
}
