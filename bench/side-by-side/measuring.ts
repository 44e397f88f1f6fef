import { ProcessTimes } from './processes.ts';
import type { BenchSystem, Role } from './system.ts';

const ROLES: readonly Role[] = ['api', 'worker', 'socket', 'redis', 'postgres'];

/** What happened on the machine while something ran. */
export interface Cost {
  /** CPU time by kind of server process, in milliseconds. */
  cpuMs: Record<Role, number>;
  /** Of all server processes together. */
  serverMs: number;
  /** Cores that were busy with what is not of this benchmark. */
  foreign: number;
}

/** Runs a load and takes what it cost the processes of a system. */
export async function costOf<Result>(
  system: BenchSystem,
  run: () => Promise<Result>,
): Promise<{ result: Result; cost: Cost }> {
  const pids = ROLES.map((role) => [role, system.pidsOf(role)] as const);
  const before = await ProcessTimes.read();
  const result = await run();
  await system.drained();
  const after = await ProcessTimes.read();
  const spent = (ids: readonly number[]): number => after.of(ids) - before.of(ids);
  const cpuMs = Object.fromEntries(pids.map(([role, ids]) => [role, spent(ids)])) as Record<Role, number>;
  return {
    result,
    cost: {
      cpuMs,
      serverMs: Object.values(cpuMs).reduce((sum, ms) => sum + ms, 0),
      foreign: after.foreignSince(before),
    },
  };
}
