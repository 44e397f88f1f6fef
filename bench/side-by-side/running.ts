import type { BenchOptions } from './measure.ts';
import { BenchSystem } from './system.ts';

/** Starts all systems of a run, has them used, and stops them. */
export async function withSystems<Result>(
  { kinds, workers, say }: BenchOptions,
  sockets: number,
  use: (systems: BenchSystem[]) => Promise<Result>,
): Promise<Result> {
  const systems: BenchSystem[] = [];
  try {
    for (const kind of kinds) {
      systems.push(await BenchSystem.start(kind, { workers, sockets }));
      say(`${kind.name} runs`);
    }
    return await use(systems);
  } finally {
    await Promise.all(systems.map((system) => system.stop()));
  }
}

/** Connects the clients of a system and warms its code up. */
export async function warmUp(system: BenchSystem, { users, isQuick }: BenchOptions): Promise<void> {
  await system.load.tell('connect', { target: system.target, users, prefix: 'user-' });
  await system.load.tell('closed', { inFlight: 50, seconds: isQuick ? 1 : 4 });
}
