import { interleave, withFloors, type Measure } from '../measure.ts';
import { costOf } from '../measuring.ts';
import { warmUp, withSystems } from '../running.ts';

const IN_FLIGHT = 200;
const SOCKETS = 2;

/** As fast as it goes: so many actions under way, each outcome heard makes room for the next submit. */
export const throughput: Measure = {
  name: 'throughput',
  title: `Closed loop, ${IN_FLIGHT} in flight`,
  metrics: [
    { key: 'perSecond', title: 'outcomes a second', unit: '1/s', better: 'higher', wanted: 1.7 },
    { key: 'cpu', title: 'server CPU a 1000 outcomes', unit: 's', better: 'lower', wanted: 0.5 },
    { key: 'api', title: '  of it api', unit: 's', better: 'neither' },
    { key: 'worker', title: '  of it worker', unit: 's', better: 'neither' },
    { key: 'socket', title: '  of it socket', unit: 's', better: 'neither' },
    { key: 'redis', title: '  of it Redis', unit: 's', better: 'neither' },
    { key: 'postgres', title: '  of it Postgres', unit: 's', better: 'neither' },
    { key: 'p50', title: 'submit to outcome, p50', unit: 'ms', better: 'lower' },
    { key: 'p99', title: 'submit to outcome, p99', unit: 'ms', better: 'lower' },
    { key: 'lost', title: 'refused or lost', unit: '', better: 'neither' },
  ],
  drawn: ['perSecond', 'cpu'],
  run: (options) =>
    withSystems(withFloors(options), SOCKETS, async (systems) => {
      await Promise.all(systems.map((system) => warmUp(system, options)));
      return interleave(systems, options, async (system) => {
        const { result, cost } = await costOf(system, () =>
          system.load.tell('closed', { inFlight: IN_FLIGHT, seconds: options.seconds }),
        );
        const { outcomes, perSecond, p50, p99, lost, refused } = result;
        // Milliseconds an outcome are seconds a thousand.
        const shares = Object.entries(cost.cpuMs).map(([role, ms]) => [role, ms / outcomes]);
        return {
          perSecond,
          cpu: cost.serverMs / outcomes,
          ...(Object.fromEntries(shares) as Record<string, number>),
          p50,
          p99,
          lost: lost + refused,
          foreign: cost.foreign,
        };
      });
    }),
};
