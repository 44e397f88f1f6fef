import { interleave, merge, type Measure, type Metric, type Sample, type Samples } from '../measure.ts';
import { costOf } from '../measuring.ts';
import { withSystems, warmUp } from '../running.ts';
import { fillHistory } from '../fill-history.ts';
import { createRooms } from '../rooms.ts';
import type { BenchSystem } from '../system.ts';

const IN_FLIGHT = 200;
const SOCKETS = 2;
const HISTORY = { few: 1_000, many: 1_000_000 };
const QUICK_HISTORY = { few: 1_000, many: 20_000 };
const USERS = { few: 500, many: 5_000 };
const ROOMS = { few: 20, many: 200 };

const GROWN = ['history', 'users', 'rooms'] as const;

/** What an action costs when there is more of everything; ours only, a system with little beside one with much. */
export const growth: Measure = {
  name: 'growth',
  title: 'With more of it',
  metrics: GROWN.flatMap((grown): Metric[] => [
    {
      key: `cpu@${grown}`,
      title: `server CPU a 1000, ${grown}`,
      unit: 's',
      better: 'lower',
      ...(grown === 'history' && { wanted: 1.2 }),
    },
    { key: `postgres@${grown}`, title: `  of it Postgres`, unit: 's', better: 'lower' },
    { key: `p50@${grown}`, title: `submit to outcome, p50, ${grown}`, unit: 'ms', better: 'lower' },
  ]),
  drawn: GROWN.map((grown) => `cpu@${grown}`),
  compared: () => ({ ours: 'much', stocks: ['little'] }),
  run: (options) => {
    const own = options.kinds.find(({ isOurs }) => isOurs);
    const kinds = [
      { ...own!, name: 'little' },
      { ...own!, name: 'much' },
    ];
    return withSystems({ ...options, kinds }, SOCKETS, async (systems) => {
      const all: Samples = new Map();
      const measure = async (suffix: string, rooms: ReadonlyMap<string, string[]> = new Map()): Promise<void> => {
        const samples = await interleave(systems, options, async (system) =>
          loadOnce(system, options.seconds, rooms.get(system.name)),
        );
        merge(all, samples, `@${suffix}`);
      };
      const amount = <Amount>(system: BenchSystem, { few, many }: { few: Amount; many: Amount }): Amount =>
        system.name === 'much' ? many : few;
      for (const system of systems) await warmUp(system, { ...options, users: amount(system, USERS) });
      await measure('users');
      const rooms = new Map<string, string[]>();
      for (const system of systems) {
        // Whoever writes is a member of all rooms: so a user only.
        await warmUp(system, { ...options, users: 1 });
        rooms.set(system.name, await createRooms(system, 'user-0', amount(system, ROOMS)));
      }
      await measure('rooms', rooms);
      for (const system of systems) {
        await system.load.tell('disconnect', {});
        await fillHistory(system.database, amount(system, options.isQuick ? QUICK_HISTORY : HISTORY));
        await warmUp(system, options);
      }
      await measure('history');
      return all;
    });
  },
};

async function loadOnce(system: BenchSystem, seconds: number, rooms: string[] = []): Promise<Sample> {
  const { result, cost } = await costOf(system, () =>
    system.load.tell('closed', { inFlight: IN_FLIGHT, seconds, rooms }),
  );
  const { outcomes, p50 } = result;
  return {
    cpu: cost.serverMs / outcomes,
    postgres: cost.cpuMs.postgres / outcomes,
    p50,
    foreign: cost.foreign,
  };
}
