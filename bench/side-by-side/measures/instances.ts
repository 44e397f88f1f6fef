import { isWhole } from '../floors.ts';
import { interleave, merge, withFloors, type Measure, type Metric, type Samples } from '../measure.ts';
import { costOf } from '../measuring.ts';
import { warmUp, withSystems } from '../running.ts';
import type { BenchSystem } from '../system.ts';

const COUNTS = [1, 2, 4, 8];

/** Low enough for all systems: the work is the same then, whoever does it. */
const PER_SECOND = 300;

const METRICS: readonly Metric[] = [
  ...COUNTS.map((count): Metric => ({
    key: `socket@${count}`,
    title: `socket CPU an outcome, ${count} instance${count === 1 ? '' : 's'}`,
    unit: 'µs',
    better: 'lower',
    ...(count === 8 && { wanted: 0.5 }),
  })),
  ...COUNTS.map((count): Metric => ({
    key: `redis@${count}`,
    title: `Redis CPU an outcome, ${count} instance${count === 1 ? '' : 's'}`,
    unit: 'µs',
    better: 'lower',
  })),
  { key: 'growth', title: 'socket CPU at 8 instances to that at 1', unit: '×', better: 'lower' },
];

async function growTo(system: BenchSystem, count: number): Promise<void> {
  const missing = count - system.appsOf('socket').length;
  await Promise.all(Array.from({ length: missing }, () => system.add('socket')));
}

/** What one outcome costs all socket processes together, when there are more and more of them. */
export const instances: Measure = {
  name: 'instances',
  title: `Socket processes, ${PER_SECOND} outcomes/s`,
  metrics: METRICS,
  drawn: COUNTS.map((count) => `socket@${count}`),
  run: (options) =>
    withSystems(withFloors(options, isWhole), 1, async (systems) => {
      const all: Samples = new Map();
      for (const count of COUNTS) {
        await Promise.all(
          systems.map(async (system) => {
            await growTo(system, count);
            await warmUp(system, options);
          }),
        );
        const samples = await interleave(systems, options, async (system) => {
          const { result, cost } = await costOf(system, () =>
            system.load.tell('open', { perSecond: PER_SECOND, seconds: options.seconds }),
          );
          const each = (ms: number): number => (ms / result.outcomes) * 1_000;
          return { socket: each(cost.cpuMs.socket), redis: each(cost.cpuMs.redis), foreign: cost.foreign };
        });
        merge(all, samples, `@${count}`);
      }
      for (const rounds of all.values()) {
        for (const sample of rounds) sample['growth'] = sample['socket@8']! / sample['socket@1']!;
      }
      return all;
    }),
};
