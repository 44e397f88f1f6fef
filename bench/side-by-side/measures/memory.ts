import { setTimeout as delay } from 'node:timers/promises';
import { isWhole } from '../floors.ts';
import { interleave, withFloors, type Measure, type Sample } from '../measure.ts';
import { costOf } from '../measuring.ts';
import { residentKiB } from '../processes.ts';
import { withSystems } from '../running.ts';
import type { BenchSystem, SystemKind } from '../system.ts';

const COUNTS = [2_000, 10_000];
const QUICK_COUNTS = [200, 1_000];

/** Connected before the first look, so that code and buffers are there that every process has. */
const FIRST = 100;

/** How long a process that has nothing to do keeps the memory of what it did, in milliseconds. */
const SETTLED_MS = 2_000;

/** Idle connections on one socket process, which is new in each round. */
export const memory: Measure = {
  name: 'memory',
  title: 'Idle connections',
  metrics: COUNTS.map((count) => ({
    key: `kib@${count}`,
    title: `memory a connection at ${count}`,
    unit: 'KiB',
    better: 'lower' as const,
    wanted: 0.6,
  })),
  drawn: COUNTS.map((count) => `kib@${count}`),
  run: (options) =>
    withSystems(withFloors(options, isPlainSocket), 0, async (systems) =>
      interleave(systems, options, async (system) => {
        const role = system.hasSockets ? 'socket' : 'api';
        if (!system.hasSockets) await system.remove('api');
        const { pid } = await system.add(role);
        const { result, cost } = await costOf(system, () =>
          measureMemory(system, pid!, options.isQuick ? QUICK_COUNTS : COUNTS),
        );
        await system.load.tell('disconnect', {});
        if (system.hasSockets) await system.remove('socket');
        return { ...result, foreign: cost.foreign };
      }),
    ),
};

/** A whole system's sockets are no others. */
function isPlainSocket(floor: SystemKind): boolean {
  return floor.wire.hears && !isWhole(floor);
}

async function measureMemory(system: BenchSystem, pid: number, counts: readonly number[]): Promise<Sample> {
  const sample: Sample = {};
  const connect = async (users: number): Promise<number> => {
    await system.load.tell('connect', { target: system.target, users, prefix: 'idle-' });
    await delay(SETTLED_MS);
    return residentKiB(pid);
  };
  const before = await connect(FIRST);
  for (const [index, count] of counts.entries()) {
    const after = await connect(count);
    sample[`kib@${COUNTS[index]}`] = (after - before) / (count - FIRST);
  }
  return sample;
}
