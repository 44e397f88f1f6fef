import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { setTimeout as after } from 'node:timers/promises';
import { WorkerConfig } from '#config';
import { Database } from '#database';
import { renewLeasesStatement, type UnfinishedRow } from '#ledger';
import { ActionLog, checkpoint, durations } from '#telemetry';
import { HandlerError, Handlers } from './handlers.ts';
import { ProgressReporter } from './progress.ts';
import { abortAfter } from './time-limit.ts';

const performSeconds = durations('perform', 'What a handler does outside of transactions for one action');

/** How long others keep their hands off an action that is being performed, in milliseconds: as long as off its ticket. */
export const LEASE_MS = 5_000;

const RENEW_EVERY_MS = 1_000;

/** How long it holds for sure after this process has asked for it, in milliseconds. */
const SURE_MS = LEASE_MS - 2 * RENEW_EVERY_MS;

/**
 * Whether nobody else can have taken up an action since its lease was asked for: a process that was frozen cannot know.
 *
 * @param since by the clock of `performance`
 */
export function isSure(since: number): boolean {
  return performance.now() < since + SURE_MS;
}

/** An action that is kept from others. */
interface Lease {
  /** Aborted when the action is not to be performed any more. */
  withdrawn: AbortController;
  /** Until when it holds for sure, by the clock of `performance`. */
  sureUntil: number;
}

/** The action was cancelled, or expired, while it was performed; or what stands before it is tried again. */
class WithdrawnError extends Error {
  override readonly name = 'AbortError';
}

/** The lease may be over before anything was begun: others may have taken the action up. */
export class LapsedError extends Error {
  override readonly name = 'LapsedError';
}

/**
 * Runs the part of handlers that is outside of transactions. No lock and no connection is
 * held meanwhile: a lease in the ledger keeps others away, and whoever dies lets it lapse.
 * Renewing it tells, too, which actions have been finished by somebody else: cancelled, say.
 */
@Injectable()
export class Performer implements OnApplicationShutdown {
  private readonly logger = new Logger(Performer.name);
  readonly #held = new Map<string, Lease>();
  readonly #queue: (() => void)[] = [];
  readonly #concurrency: number;
  #free: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly handlers: Handlers,
    private readonly database: Database,
    private readonly progress: ProgressReporter,
    private readonly log: ActionLog,
    config: WorkerConfig,
  ) {
    this.#concurrency = config.PERFORM_CONCURRENCY;
    this.#free = config.PERFORM_CONCURRENCY;
  }

  /**
   * Performs an action that {@link startPerformingStatement} marked.
   *
   * @throws {HandlerError} when the handler throws, takes too long, or the action is withdrawn
   * @throws {LapsedError} when it has waited for room, and is not surely ours any more
   */
  async perform(row: UnfinishedRow, attempt: number): Promise<unknown> {
    const lease = this.hold(row.id);
    const { withdrawn } = lease;
    if (!(await this.take(withdrawn.signal))) throw new HandlerError([row], withdrawn.signal.reason);
    const startedAt = Date.now();
    const callOff = abortAfter(withdrawn, this.handlers.performTimeoutOf(row.type));
    const progress = this.progress.of(row);
    try {
      if (performance.now() >= lease.sureUntil) throw new LapsedError('its lease is over');
      await checkpoint('perform.before-start');
      return await this.handlers.perform(row, { signal: withdrawn.signal, attempt, progress: progress.report });
    } finally {
      callOff();
      progress.end();
      const endedAt = Date.now();
      performSeconds.observe((endedAt - startedAt) / 1_000);
      this.log.note('performed', row, { startedAt, endedAt }, { attempt });
      this.give();
      await checkpoint('perform.after-end');
    }
  }

  /** How many more may start at once. */
  get free(): number {
    return Math.max(0, this.#free);
  }

  /** How many are being performed. */
  get busy(): number {
    return this.#concurrency - this.free;
  }

  /**
   * Keeps the lease of an action that {@link startPerformingStatement} marked, until it is released.
   *
   * @param since when it was asked for, by the clock of `performance`
   */
  hold(id: string, since = performance.now()): Lease {
    this.#timer ??= setInterval(() => void this.renew(), RENEW_EVERY_MS).unref();
    const known = this.#held.get(id);
    if (known) return known;
    const lease = { withdrawn: new AbortController(), sureUntil: since + SURE_MS };
    this.#held.set(id, lease);
    return lease;
  }

  /** Whether nobody else can have taken it up: a process that was frozen cannot know. */
  holds(id: string): boolean {
    return performance.now() < (this.#held.get(id)?.sureUntil ?? -Infinity);
  }

  /** The action is settled, or left to others: its lease ends. */
  release(id: string): void {
    this.#held.delete(id);
  }

  /** Whether it is not to be performed any more: it took too long, say. */
  isCalledOff(id: string): boolean {
    return this.#held.get(id)?.withdrawn.signal.aborted ?? true;
  }

  /** Waits before the next attempt; not until the end when it is called off, and not at all when it was released. */
  async pause(id: string, ms: number): Promise<void> {
    const signal = this.#held.get(id)?.withdrawn.signal;
    if (signal) await after(ms, undefined, { signal }).catch(() => undefined);
  }

  /** Tells who performs it to stop. */
  callOff(id: string, why: string): void {
    const { withdrawn } = this.#held.get(id) ?? {};
    if (!withdrawn || withdrawn.signal.aborted) return;
    this.logger.log(`${id} was withdrawn: ${why}`);
    withdrawn.abort(new WithdrawnError(why));
  }

  /** What is under way keeps its lease until it is done, or the process is. */
  onApplicationShutdown(): void {
    clearInterval(this.#timer);
  }

  private async renew(): Promise<void> {
    const leases = [...this.#held];
    if (leases.length === 0) return;
    const ids = leases.map(([id]) => id);
    const startedAt = performance.now();
    try {
      const kept = await renewLeasesStatement(this.database, ids, LEASE_MS);
      for (const [id, lease] of leases) {
        // It was put back meanwhile, and perhaps begun anew.
        if (this.#held.get(id) !== lease) continue;
        if (!kept.has(id)) this.callOff(id, 'it has its outcome already');
        // Where it may have lapsed before, somebody else may have begun one of his own; but nobody begins what has its outcome.
        if (startedAt < lease.sureUntil) lease.sureUntil = startedAt + SURE_MS;
      }
    } catch (error) {
      this.logger.warn(`could not renew ${ids.length} leases: ${String(error)}`);
    }
  }

  /** @returns whether there is room now; there is none for who is called off before */
  private take(signal: AbortSignal): Promise<boolean> | boolean {
    if (signal.aborted) return false;
    this.#free -= 1;
    if (this.#free >= 0) return true;
    return new Promise((resolve) => {
      const start = (): void => {
        signal.removeEventListener('abort', leave);
        resolve(true);
      };
      const leave = (): void => {
        this.#queue.splice(this.#queue.indexOf(start), 1);
        this.#free += 1;
        resolve(false);
      };
      this.#queue.push(start);
      signal.addEventListener('abort', leave, { once: true });
    });
  }

  private give(): void {
    this.#free += 1;
    this.#queue.shift()?.();
  }
}
