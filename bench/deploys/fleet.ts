import type { AppName, AppProcess } from '../../infra/local/app-process.ts';

/** The processes of an installation. */
export interface Fleet {
  readonly apis: AppProcess[];
  readonly workers: AppProcess[];
  readonly sockets: AppProcess[];
  add: (app: AppName) => Promise<unknown>;
}

function processesOf({ apis, workers, sockets }: Fleet, app: AppName): AppProcess[] {
  return { api: apis, worker: workers, socket: sockets }[app];
}

/**
 * Ends a process by SIGTERM. Balancers learn of that by its refusals only.
 *
 * @throws {Error} unless it exits with 0
 */
export async function retire(fleet: Fleet, app: AppName, old: AppProcess): Promise<void> {
  await old.kill('SIGTERM');
  await old.ended();
  const processes = processesOf(fleet, app);
  processes.splice(processes.indexOf(old), 1);
  if (old.exitCode !== 0) throw new Error(`${old.name} ended with ${old.exitCode}`);
}

/** Replaces every process of an app, one after the other: the new one comes first, as in a rolling deploy. */
export async function replaceEach(fleet: Fleet, app: AppName): Promise<void> {
  for (const old of [...processesOf(fleet, app)]) {
    await fleet.add(app);
    await retire(fleet, app, old);
  }
}

/** Scales an app to so many processes, one after the other; the oldest go first. */
export async function scaleTo(fleet: Fleet, app: AppName, count: number): Promise<void> {
  const processes = processesOf(fleet, app);
  while (processes.length < count) await fleet.add(app);
  while (processes.length > count) await retire(fleet, app, processes[0]!);
}
