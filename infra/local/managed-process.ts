import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { adopt, release } from './orphans.ts';

const KEPT_LINES = 2_000;
const SHOWN_LINES = 15;

export interface ProcessOptions {
  name: string;
  command: string;
  args: readonly string[];
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  /** User (and group) to run as; only root may set it. */
  uid?: number;
  /** Rejects or resolves to false as long as the process does not serve. */
  isReady: () => Promise<boolean>;
  /** Longest time until it serves, in milliseconds. */
  readyWithinMs?: number;
  /** The signal that ends it in an orderly way. */
  stopSignal?: NodeJS.Signals;
  /** Longest time between that signal and its end, in milliseconds; then it is killed. */
  graceMs?: number;
  /** Takes every line that it prints. */
  onLine?: (line: string) => void;
}

/**
 * A process that can be started, killed, stopped and started again; what starts it need not
 * fear to leave it behind (see `reaper.ts`).
 */
export class ManagedProcess {
  readonly name: string;
  readonly #options: ProcessOptions;
  #child: ChildProcess | undefined;
  readonly #lines: string[] = [];

  constructor(options: ProcessOptions) {
    this.name = options.name;
    this.#options = options;
  }

  get pid(): number | undefined {
    return this.isRunning ? this.#child?.pid : undefined;
  }

  get isRunning(): boolean {
    return this.#child?.exitCode === null && this.#child.signalCode === null;
  }

  /** How its last run ended; null while it runs, or when a signal ended it. */
  get exitCode(): number | null {
    return this.#child?.exitCode ?? null;
  }

  /** What it printed: the last lines, over all its runs. */
  logs(): string {
    return this.#lines.join('\n');
  }

  /** @throws {Error} with its last lines when it ends, or does not serve in time. */
  async start(): Promise<this> {
    const { command, args, env, cwd, uid } = this.#options;
    const child = spawn(command, args, {
      env: env ?? process.env,
      stdio: ['ignore', 'pipe', 'pipe'],
      // Ctrl-C in a terminal goes to the whole process group; the order in which we stop is ours.
      detached: true,
      ...(cwd === undefined ? {} : { cwd }),
      ...(uid === undefined ? {} : { uid, gid: uid }),
    });
    this.#child = child;
    child.on('error', (error) => this.#keep(error.message));
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => this.#keep(line));
    }
    const { pid } = child;
    if (pid !== undefined) {
      adopt(pid, this.#options.stopSignal ?? 'SIGTERM');
      child.once('exit', () => release(pid));
    }
    try {
      await this.#serves(child);
    } catch (error) {
      await this.kill();
      throw error;
    }
    return this;
  }

  /** Resolves once the present run has ended; at once when there is none. */
  async ended(): Promise<void> {
    if (this.isRunning) await once(this.#child!, 'exit');
  }

  /** Sends a signal; after SIGKILL it waits for the end. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    if (!this.isRunning) return;
    this.#child!.kill(signal);
    if (signal === 'SIGKILL') await this.ended();
  }

  /** Ends it in an orderly way, or by force after the grace period. */
  async stop(): Promise<void> {
    if (!this.isRunning) return;
    const { stopSignal = 'SIGTERM', graceMs = 15_000 } = this.#options;
    this.#child!.kill(stopSignal);
    this.#child!.kill('SIGCONT');
    const timer = setTimeout(() => void this.#child?.kill('SIGKILL'), graceMs);
    await this.ended();
    clearTimeout(timer);
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  async #serves(child: ChildProcess): Promise<void> {
    const { name, isReady, readyWithinMs = 60_000 } = this.#options;
    const deadline = Date.now() + readyWithinMs;
    while (!(await isReady().catch(() => false))) {
      const gone = child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
      if (gone) {
        // Its last lines may still be in the pipe.
        await delay(50);
        throw new Error(
          `${name} ended at its start (${child.signalCode ?? child.exitCode ?? 'no such program'})${this.#tail()}`,
        );
      }
      if (Date.now() > deadline)
        throw new Error(`${name} was not ready within ${readyWithinMs / 1000} s${this.#tail()}`);
      await delay(25);
    }
  }

  #tail(): string {
    return this.#lines
      .slice(-SHOWN_LINES)
      .map((line) => `\n  ${line}`)
      .join('');
  }

  #keep(line: string): void {
    this.#lines.push(line);
    if (this.#lines.length > KEPT_LINES) this.#lines.splice(0, KEPT_LINES / 2);
    this.#options.onLine?.(line);
  }
}
