/**
 * Deploys and scaling under load: `npm run bench:deploys [-- --users=500 --rate=200]`. Users
 * with the SDK stay connected and submit while every process is replaced, and while sockets
 * and workers are scaled out and in. Exits with 1 when anything is lost, doubled or reordered.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { build } from '../infra/local/build.ts';
import type { DeployLoad } from './deploys/deploy-load.ts';
import { BenchFleet } from './deploys/bench-fleet.ts';
import { replaceEach, scaleTo } from './deploys/fleet.ts';
import { percentile } from './processing/figure.ts';

/** Without any change, to compare with, in milliseconds. */
const STEADY_MS = 15_000;
const QUIET_MS = 60_000;

const { values } = parseArgs({
  options: { users: { type: 'string', default: '500' }, rate: { type: 'string', default: '200' } },
});

const WINDOWS: Readonly<Record<string, (fleet: BenchFleet) => Promise<unknown>>> = {
  steady: () => delay(STEADY_MS),
  'every worker replaced': (fleet) => replaceEach(fleet, 'worker'),
  'every socket replaced': (fleet) => replaceEach(fleet, 'socket'),
  'every api replaced': (fleet) => replaceEach(fleet, 'api'),
  'sockets 2 to 6': (fleet) => scaleTo(fleet, 'socket', 6),
  'sockets 6 to 2': (fleet) => scaleTo(fleet, 'socket', 2),
  'workers 1 to 4': (fleet) => scaleTo(fleet, 'worker', 1).then(() => scaleTo(fleet, 'worker', 4)),
  'workers 4 to 1': (fleet) => scaleTo(fleet, 'worker', 1),
};

interface Window {
  name: string;
  from: number;
  to: number;
}

async function runWindows(fleet: BenchFleet, load: DeployLoad): Promise<Window[]> {
  const windows: Window[] = [];
  for (const [name, change] of Object.entries(WINDOWS)) {
    console.log(`${name} …`);
    const from = performance.now();
    await change(fleet);
    windows.push({ name, from, to: performance.now() });
    // What was submitted at the end of a window belongs to it.
    await load.calm(QUIET_MS);
  }
  return windows;
}

function describe({ name, from, to }: Window, load: DeployLoad) {
  const latencies = load.latencies(from, to);
  const at = (share: number): number => Math.round(percentile(latencies, share) * 10) / 10;
  return {
    window: name,
    seconds: Math.round((to - from) / 1_000),
    actions: latencies.length,
    'p50 ms': at(0.5),
    'p99 ms': at(0.99),
    'max ms': at(1),
  };
}

async function main(): Promise<boolean> {
  await build();
  // What it measures is built code: in a fresh clone there was none before.
  const { LedgerCheck } = await import('../libs/testing/src/ledger-check.ts');
  const { DeployLoad } = await import('./deploys/deploy-load.ts');
  const fleet = await BenchFleet.start({ api: 2, worker: 2, socket: 2 });
  try {
    const load = await DeployLoad.start({
      api: fleet.apiBalancer.url,
      socket: fleet.socketBalancer.url,
      users: Number(values.users),
      actionsPerSecond: Number(values.rate),
      tokenOf: (user) => fleet.tokenOf(user),
    });
    const windows = await runWindows(fleet, load);
    await load.end(QUIET_MS);
    load.close();
    console.table(windows.map((window) => describe(window, load)));
    const wrongs = load.judge();
    const ledger = new LedgerCheck(fleet.database);
    await ledger.settled(QUIET_MS);
    const { ended, violations } = await ledger.report();
    await ledger.close();
    console.log(`accepted ${load.accepted}; heard by clients: ${JSON.stringify(wrongs)}`);
    console.log(`ledger: ${JSON.stringify(ended)}, ${violations.length} violations ${violations.join('; ')}`);
    return Object.values(wrongs).every((count) => count === 0) && violations.length === 0;
  } finally {
    await fleet.stop();
  }
}

try {
  process.exitCode = (await main()) ? 0 : 1;
} catch (error) {
  console.error(error);
  process.exitCode = 1;
}
