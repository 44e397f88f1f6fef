import { setTimeout as delay } from 'node:timers/promises';
import { eventually, type StartedApp } from '#testing';

/** An end of a process that a fault announced. */
export interface Death {
  name: string;
  pid: number;
  /** 0 after SIGTERM, null after SIGKILL. */
  exitCode: number | null;
}

/** How long an announced death may take, in milliseconds. */
const DEATH_MS = 90_000;

/**
 * Starts again what a fault has killed, and nothing else: a process that ends without having
 * been announced stays dead, and counts.
 */
export class Supervisor {
  readonly #apps = new Map<StartedApp, { pid: number | undefined }>();
  readonly #announced = new Set<StartedApp>();
  readonly #atRest = new Set<StartedApp>();
  readonly #deaths: Death[] = [];
  readonly #unannounced: Death[] = [];
  #isClosed = false;

  watch(app: StartedApp): void {
    this.#apps.set(app, { pid: app.pid });
    void this.follow(app);
  }

  /** Whoever of these dies until the returned function is called was killed by a fault. */
  announce(...apps: readonly StartedApp[]): () => void {
    for (const app of apps) this.#announced.add(app);
    return () => {
      for (const app of apps) this.#announced.delete(app);
    };
  }

  /** Kills it, and waits until another process has taken its place. */
  async kill(app: StartedApp, signal: NodeJS.Signals = 'SIGKILL', pauseMs = 0): Promise<Death> {
    return this.whileAway(app, signal, () => delay(pauseMs));
  }

  /** Ends it in an orderly way, and starts it again when `work` is done. */
  async replace(app: StartedApp, work: () => Promise<void>): Promise<void> {
    await this.whileAway(app, 'SIGTERM', work);
  }

  /** Those that died until now: give it to {@link since}. */
  get count(): number {
    return this.#deaths.length;
  }

  since(count: number): Death[] {
    return this.#deaths.slice(count);
  }

  /** Waits until a process serves that is not the one that died. */
  async isBack(app: StartedApp): Promise<void> {
    const { pid } = this.#apps.get(app)!;
    await eventually(
      () => {
        if (!app.isRunning || this.#apps.get(app)!.pid !== app.pid) throw new Error(`${app.name} (${pid}) is not back`);
      },
      { timeoutMs: DEATH_MS },
    );
  }

  /** What is wrong with the processes, by now; empty: each is the one that it was, or was killed and came back. */
  complaints(): string[] {
    return [
      ...this.#unannounced.map(({ name, pid, exitCode }) => `${name} (${pid}) ended by itself with ${exitCode}`),
      ...[...this.#apps].flatMap(([app, { pid }]) =>
        app.isRunning && app.pid === pid ? [] : [`${app.name} is not running as ${pid}`],
      ),
    ];
  }

  close(): void {
    this.#isClosed = true;
  }

  private async whileAway(app: StartedApp, signal: NodeJS.Signals, work: () => Promise<void>): Promise<Death> {
    const [before, pid] = [this.count, app.pid!];
    const done = this.announce(app);
    this.#atRest.add(app);
    try {
      await app.kill(signal);
      await app.ended();
      const death = await eventually(() => this.deathSince(before, pid));
      await work();
      return death;
    } finally {
      this.#atRest.delete(app);
      await this.isBack(app);
      done();
    }
  }

  private deathSince(count: number, pid: number): Death {
    const death = this.since(count).find((one) => one.pid === pid);
    if (!death) throw new Error(`${pid} is not dead`);
    return death;
  }

  private async follow(app: StartedApp): Promise<void> {
    const state = this.#apps.get(app)!;
    while (!this.#isClosed) {
      const pid = app.pid!;
      await app.ended();
      if (this.#isClosed) return;
      const death = { name: app.name, pid, exitCode: app.exitCode };
      if (!this.#announced.has(app)) return void this.#unannounced.push(death);
      this.#deaths.push(death);
      await eventually(
        () => {
          if (this.#atRest.has(app)) throw new Error(`${app.name} is kept away`);
        },
        { timeoutMs: DEATH_MS },
      );
      // While Postgres or Redis are away too it may need some starts.
      await eventually(() => app.start(), { timeoutMs: DEATH_MS, everyMs: 250 });
      state.pid = app.pid;
    }
  }
}
