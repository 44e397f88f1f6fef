import { retire } from '../../bench/deploys/fleet.ts';
import type { AppName } from '../../infra/local/app-process.ts';
import { ROOT } from '../../infra/local/run-tool.ts';
import type { StartedApp, System } from '#testing';

export type Version = 'previous' | 'present';

/** Of which version the processes of each app are. */
export type Mix = Readonly<Record<AppName, readonly Version[]>>;

/** The processes of a system of which some are of the previous version. */
export class MixedFleet {
  /** All that there were. */
  readonly processes: StartedApp[] = [];
  readonly #system: System;
  readonly #roots: Readonly<Record<Version, string>>;
  readonly #versions = new Map<StartedApp, Version>();

  /**
   * @param system its processes are of the previous version
   * @param previous where that was built
   */
  constructor(system: System, previous: string) {
    this.#system = system;
    this.#roots = { previous, present: ROOT };
    for (const process of [...system.apis, ...system.workers, ...system.sockets]) this.note(process, 'previous');
  }

  /** A process of an app, of a version. */
  find(app: AppName, version: Version): StartedApp {
    return this.of(app).find((process) => this.#versions.get(process) === version)!;
  }

  /** Starts what is missing, then ends what is too much, as a rolling deploy does. */
  async become(mix: Mix): Promise<void> {
    await Promise.all((Object.keys(mix) as AppName[]).map((app) => this.becomeOf(app, mix[app])));
  }

  private of(app: AppName): StartedApp[] {
    const { apis, workers, sockets } = this.#system;
    return { api: apis, worker: workers, socket: sockets }[app];
  }

  private async becomeOf(app: AppName, versions: readonly Version[]): Promise<void> {
    const tooMuch = [...this.of(app)];
    const missing: Version[] = [];
    for (const version of versions) {
      const kept = tooMuch.findIndex((process) => this.#versions.get(process) === version);
      if (kept < 0) missing.push(version);
      else tooMuch.splice(kept, 1);
    }
    const starting = missing.map(async (version) => {
      this.note(await this.#system.add(app, {}, this.#roots[version]), version);
    });
    await Promise.all(starting);
    await Promise.all(tooMuch.map((process) => retire(this.#system, app, process)));
  }

  private note(process: StartedApp, version: Version): void {
    this.processes.push(process);
    this.#versions.set(process, version);
  }
}
