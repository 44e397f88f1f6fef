import { randomUUID } from 'node:crypto';
import {
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { connectRedis, type RedisConnection } from '#redis';
import type { InstanceLoad, InstanceStatus } from './instance-status.ts';
import { BEAT, LIST } from './registry-scripts.ts';

const BEAT_EVERY_MS = 1_000;

/** An instance that is silent for so long is dead. */
const DEAD_AFTER_MS = 4_000;

/** When nobody was heard for so long, it was Redis that was away. */
const ALL_SILENT_MS = 2_500;

/** After entering anew, so long nobody counts as gone: the others may be about to enter anew too. */
const SETTLED_AFTER_MS = 5_000;

/** Longest answer of Redis. */
const DEADLINE_MS = 800;

/** How long Redis remembers that it has not lost its data, without any instance. */
const EPOCH_MS = 86_400_000;

export interface InstanceRegistryOptions {
  url: string;
  prefix: string;
  /** `INSTANCE_ID` */
  instance: string;
  app: string;
}

/** What {@link InstanceRegistry.onEntered} is told. */
export interface Entry {
  /** Redis had lost its data: what this instance had there is gone, and nobody was told. */
  isRedisNew: boolean;
}

/**
 * Who is running, kept in Redis by heartbeats.
 *
 *     (start) ─▶ away ─▶ entered under a new boot id ─▶ … beats … ─▶ (end)
 *                 ▲                                       │
 *                 └── a beat failed, or was struck off ───┘
 *
 * What an instance leaves in Redis is marked with its boot id. A boot id that is not alive any
 * more never comes back, so what is marked with it may be cleared away by anyone. Whoever may
 * have lost something enters under another one, and brings its things anew.
 */
export class InstanceRegistry implements OnApplicationBootstrap, BeforeApplicationShutdown, OnApplicationShutdown {
  private readonly logger = new Logger(InstanceRegistry.name);
  /** What this instance carries; set by who knows. */
  measure: () => InstanceLoad = () => ({ connections: 0, users: 0 });
  /** Called when it is entered under a new boot id: what it has in Redis is to be brought again. */
  onEntered: (entry: Entry) => void = () => undefined;
  /** Called when some instance is gone, or may have gone unnoticed. */
  onGone: () => void = () => undefined;
  readonly #redis: RedisConnection;
  readonly #startedAt = new Date().toISOString();
  #timer: NodeJS.Timeout | undefined;
  /** The heartbeat that is under way. */
  #beat: Promise<void> | undefined;
  #boot: string | undefined;
  #next: string | undefined;
  #previous = '';
  #enteredAt = 0;
  #epoch: string | undefined;
  #alive = new Set<string>();
  #isSomeoneGone = false;

  constructor(private readonly options: InstanceRegistryOptions) {
    this.#redis = connectRedis(options.url, { name: 'tidings-instances', deadlineMs: DEADLINE_MS });
    this.#redis.on('ready', () => this.beat());
  }

  /** The mark of what this instance has in Redis; undefined while it is not entered. */
  get bootId(): string | undefined {
    return this.#boot;
  }

  /** Whether it has been entered for long enough to judge who else is. */
  get isSettled(): boolean {
    return this.#boot !== undefined && performance.now() - this.#enteredAt >= SETTLED_AFTER_MS;
  }

  onApplicationBootstrap(): void {
    this.#timer ??= setInterval(() => this.beat(), BEAT_EVERY_MS).unref();
    this.beat();
  }

  /**
   * Every running instance, by app and id.
   *
   * @throws when Redis does not answer in time (0.8 s)
   */
  async list(): Promise<InstanceStatus[]> {
    const { beats, statuses } = this.keys;
    const answer = (await this.#redis.eval(LIST, 2, beats, statuses, String(DEAD_AFTER_MS))) as string[];
    const found: InstanceStatus[] = [];
    for (let index = 0; index < answer.length; index += 2) {
      const status = JSON.parse(answer[index + 1]!) as Omit<InstanceStatus, 'heartbeatAt'>;
      found.push({ ...status, heartbeatAt: new Date(Number(answer[index])).toISOString() });
    }
    return found.toSorted((a, b) => compare(a.app, b.app) || compare(a.id, b.id));
  }

  /**
   * The boot ids of all instances that are not known to be dead, at this moment.
   *
   * @throws when Redis does not answer in time (0.8 s)
   */
  async alive(): Promise<Set<string>> {
    return new Set(await this.#redis.zrange(this.keys.beats, '0', '-1'));
  }

  /** Something may not have reached Redis: enters under another boot id with the next beat. */
  reenter(): void {
    if (this.#boot !== undefined) this.#previous = this.#boot;
    this.#boot = undefined;
  }

  /**
   * Out of the list at once. What is marked with the boot id stays until its silence is noticed:
   * so long its clients have to come back elsewhere.
   */
  async beforeApplicationShutdown(): Promise<void> {
    this.stop();
    // It may be entering.
    await this.#beat;
    if (this.#boot !== undefined) await this.#redis.hdel(this.keys.statuses, this.#boot).catch(() => undefined);
  }

  onApplicationShutdown(): void {
    this.#redis.disconnect();
  }

  /** Beats no more, without goodbye. */
  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  private beat(): void {
    if (this.#beat || !this.#timer) return;
    const beat = this.#boot === undefined ? this.enter() : this.goOn(this.#boot);
    this.#beat = beat
      .catch((error: unknown) => {
        this.logger.debug(`a heartbeat failed: ${String(error)}`);
        this.reenter();
      })
      .finally(() => (this.#beat = undefined));
  }

  private async enter(): Promise<void> {
    // The same one again, should the answer get lost: nothing is marked with it so far.
    const boot = (this.#next ??= randomUUID());
    const { epoch, alive } = (await this.send(boot, true))!;
    this.#boot = boot;
    this.#next = undefined;
    this.#previous = '';
    this.#enteredAt = performance.now();
    this.#alive = alive;
    this.#isSomeoneGone = true;
    const isRedisNew = this.#epoch !== undefined && this.#epoch !== epoch;
    this.#epoch = epoch;
    this.onEntered({ isRedisNew });
  }

  private async goOn(boot: string): Promise<void> {
    const answer = await this.send(boot, false);
    if (!answer) {
      this.reenter();
      return this.enter();
    }
    this.#isSomeoneGone ||= [...this.#alive].some((each) => !answer.alive.has(each));
    this.#alive = answer.alive;
    if (!this.#isSomeoneGone || !this.isSettled) return;
    this.#isSomeoneGone = false;
    this.onGone();
  }

  private async send(boot: string, enters: boolean): Promise<{ epoch: string; alive: Set<string> } | undefined> {
    const { beats, statuses, epoch } = this.keys;
    const { instance: id, app } = this.options;
    const status = JSON.stringify({ id, app, ...this.measure(), startedAt: this.#startedAt });
    const [known, ...alive] = (await this.#redis.eval(
      BEAT,
      3,
      beats,
      statuses,
      epoch,
      ...[boot, status, enters ? '1' : '', this.#previous],
      ...[String(DEAD_AFTER_MS), String(ALL_SILENT_MS), randomUUID(), String(EPOCH_MS)],
    )) as string[];
    return known === undefined ? undefined : { epoch: known, alive: new Set(alive) };
  }

  /** The braces keep them on one node of a cluster. */
  private get keys(): { beats: string; statuses: string; epoch: string } {
    const base = `${this.options.prefix}:{instances}`;
    return { beats: `${base}:beats`, statuses: `${base}:statuses`, epoch: `${base}:epoch` };
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
