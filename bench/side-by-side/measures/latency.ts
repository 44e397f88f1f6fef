import { isWhole } from '../floors.ts';
import { interleave, merge, withFloors, type Measure, type Metric, type Samples } from '../measure.ts';
import { costOf } from '../measuring.ts';
import { warmUp, withSystems } from '../running.ts';

const RATES = [50, 200, 500];
const SOCKETS = 2;

function metricsAt(rate: number): Metric[] {
  const isJudged = rate === 200;
  return [
    { key: `p50@${rate}`, title: `p50 at ${rate}/s`, unit: 'ms', better: 'lower', ...(isJudged && { wanted: 1 }) },
    { key: `p99@${rate}`, title: `p99 at ${rate}/s`, unit: 'ms', better: 'lower', ...(isJudged && { wanted: 0.8 }) },
    { key: `cpu@${rate}`, title: `server CPU a 1000 at ${rate}/s`, unit: 's', better: 'lower' },
    { key: `lost@${rate}`, title: `refused or lost at ${rate}/s`, unit: '', better: 'neither' },
  ];
}

/** POST to outcome heard, at rates that all systems can bear. */
export const latency: Measure = {
  name: 'latency',
  title: 'POST to outcome at a fixed rate',
  metrics: RATES.flatMap(metricsAt),
  drawn: RATES.flatMap((rate) => [`p50@${rate}`, `p99@${rate}`]),
  run: (options) =>
    withSystems(withFloors(options, isWhole), SOCKETS, async (systems) => {
      await Promise.all(systems.map((system) => warmUp(system, options)));
      const all: Samples = new Map();
      for (const perSecond of RATES) {
        const samples = await interleave(systems, options, async (system) => {
          const { result, cost } = await costOf(system, () =>
            system.load.tell('open', { perSecond, seconds: options.seconds }),
          );
          const { p50, p99, lost, refused, outcomes } = result;
          return { p50, p99, cpu: cost.serverMs / outcomes, lost: lost + refused, foreign: cost.foreign };
        });
        merge(all, samples, `@${perSecond}`);
      }
      return all;
    }),
};
