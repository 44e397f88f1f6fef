import { setTimeout as delay } from 'node:timers/promises';
import type { Line } from '../../test/client/line.ts';
import type { BenchSystem } from './system.ts';

const AWAY_MS = 5_000;

/** What goes wrong during a run, by its name. */
export const FAULTS: Readonly<Record<string, (system: BenchSystem, lines: readonly Line[]) => Promise<void>>> = {
  'all clients cut off for 5 s': async (_system, lines) => {
    for (const line of lines) line.cut();
    await delay(AWAY_MS);
    for (const line of lines) line.mend();
  },
  'a gateway killed': async ({ sockets }) => {
    await sockets[0]!.kill();
    await sockets[0]!.start();
  },
  'a worker killed': async ({ worker }) => {
    await worker.kill();
    await worker.start();
  },
  'Redis down for 5 s': async ({ redis }) => {
    await redis.kill();
    await delay(AWAY_MS);
    await redis.start();
  },
};
