import type { BenchOptions } from './measure.ts';
import { BenchSystem } from './system.ts';

/** Starts all systems of a run, has them used, and stops them. */
export async function withSystems<Result>(
  { kinds, workers, say }: BenchOptions,
  sockets: number,
  use: (systems: BenchSystem[]) => Promise<Result>,
): Promise<Result> {
  const starting = kinds.map((kind) => BenchSystem.start(kind, { workers, sockets }));
  try {
    const systems = await Promise.all(starting);
    say(`${kinds.map(({ name }) => name).join(', ')} run`);
    return await use(systems);
  } finally {
    const started = await Promise.allSettled(starting);
    await Promise.all(started.map(async (each) => each.status === 'fulfilled' && each.value.stop()));
  }
}

/** What makes the code of all processes warm, however little of the machine they get. */
const WARM = 5_000;
const QUICK_WARM = 200;
const WARM_WITHIN_MS = 90_000;

/** Connects the clients of a system and warms its code up. */
export async function warmUp(system: BenchSystem, { users, isQuick }: BenchOptions): Promise<void> {
  await system.load.tell('connect', { target: system.target, users, prefix: 'user-' });
  const deadline = performance.now() + WARM_WITHIN_MS;
  for (let done = 0; done < (isQuick ? QUICK_WARM : WARM) && performance.now() < deadline;) {
    const { outcomes } = await system.load.tell('closed', { inFlight: 100, seconds: 1 });
    if (outcomes === 0) throw new Error(`${system.name} answers nothing`);
    done += outcomes;
  }
}
