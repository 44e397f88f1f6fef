import { Injectable, Logger, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { setTimeout as after } from 'node:timers/promises';
import { Revocations, type Identity } from '#auth';
import { ChannelsServer } from '#channels';
import { SocketConfig } from '#config';
import { ProblemError, type Eviction } from '#contracts';
import { counter } from '#telemetry';
import { Audience } from './audience.ts';
import { FAREWELL_MS, type Connection } from './connection.ts';

/** How far apart the clients of an instance that ends are sent away, in milliseconds: others take them in, one by one. */
const DRAIN_EACH_MS = 2;

/** How often some are sent away, and how long until each of them comes back at most, in milliseconds. */
const DRAIN_STEP_MS = 50;

/** How often it is looked whether those are gone who were sent away, in milliseconds. */
const LEAVING_STEP_MS = 10;

/** When a client that was too slow may come back, in milliseconds. */
const SLOW_PAUSE_MS = 1_000;

/** When a user with too many connections may try again, in seconds. */
const RETRY_SECONDS = 5;

/** How often connections are looked at that may have to end, in milliseconds: so late an expiry is seen. */
const LOOK_EVERY_MS = 500;

const openedCount = counter('connections_opened', 'Connections that were opened');

/** All connections of this instance, and what ends them. */
@Injectable()
export class Connections implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(Connections.name);
  readonly #connections = new Map<string, Connection>();
  readonly #perUser = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly channels: ChannelsServer,
    private readonly audience: Audience,
    private readonly revocations: Revocations,
    private readonly config: SocketConfig,
  ) {}

  onApplicationBootstrap(): void {
    this.channels.onEpoch = (channel) => this.endListenersOf(channel);
    this.revocations.onRevoked = () => this.endRevoked();
    this.#timer = setInterval(() => this.look(), LOOK_EVERY_MS).unref();
  }

  add(connection: Connection): void {
    this.#connections.set(connection.id, connection);
    openedCount.inc();
    this.count(connection, 1);
  }

  get(id: string): Connection | undefined {
    return this.#connections.get(id);
  }

  /** Those whose membership in a channel has ended with an event hear no more of it. */
  evict(channel: string, eviction: Eviction): void {
    this.audience.evict(this.#connections.values(), channel, eviction);
  }

  /** A connection is closed: its channels lose a listener. */
  remove(id: string): void {
    const connection = this.#connections.get(id);
    if (!connection) return;
    this.#connections.delete(id);
    this.count(connection, -1);
    for (const channel of connection.channels.keys()) this.audience.leave(connection, channel);
  }

  /**
   * Whether a user may have one more connection, of whatever kind.
   *
   * @throws {ProblemError} `RATE_LIMITED` when there are too many
   */
  assertRoomFor({ userId }: Identity): void {
    const most = this.config.MOST_CONNECTIONS_PER_USER;
    if (most === 0 || this.countOf(userId) < most) return;
    throw new ProblemError('RATE_LIMITED', `More than ${most} connections of one user to one instance`, {
      retryAfterSeconds: RETRY_SECONDS,
    });
  }

  /**
   * A guest shows who it is.
   *
   * @throws {ProblemError} `RATE_LIMITED` as for {@link assertRoomFor}
   */
  recognize(connection: Connection, identity: Identity): void {
    this.assertRoomFor(identity);
    connection.renew(identity);
    this.count(connection, 1);
  }

  /** How many connections, and of how many users. */
  get load(): { connections: number; users: number } {
    const users = new Set([...this.#connections.values()].map(({ identity }) => identity?.userId));
    users.delete(undefined);
    return { connections: this.#connections.size, users: users.size };
  }

  /**
   * Sends everyone elsewhere, some at a time: each is away for a moment only, and those who
   * stay behind hear what happens meanwhile.
   */
  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.#timer);
    const window = Math.min(this.config.DRAIN_WINDOW_MS, this.#connections.size * DRAIN_EACH_MS);
    for (let steps = Math.ceil(window / DRAIN_STEP_MS); steps > 1; steps -= 1) {
      this.sendAway(1 / steps);
      await after(DRAIN_STEP_MS);
    }
    this.sendAway(1);
    // The server closes what is open: who is between two polls would not hear of it.
    const last = performance.now() + FAREWELL_MS;
    while (this.isSomeoneLeaving && performance.now() < last) {
      await after(LEAVING_STEP_MS);
      // Whoever came meanwhile.
      this.sendAway(1);
    }
  }

  private get isSomeoneLeaving(): boolean {
    return [...this.#connections.values()].some(({ isEnded }) => isEnded);
  }

  /** @param share of those who are still here */
  private sendAway(share: number): void {
    const here = [...this.#connections.values()].filter(({ isEnded }) => !isEnded);
    for (const connection of here.slice(0, Math.ceil(here.length * share))) {
      connection.end('drain', Math.round(Math.random() * DRAIN_STEP_MS));
    }
  }

  private countOf(userId: string): number {
    return this.#perUser.get(userId) ?? 0;
  }

  private count({ identity }: Connection, more: 1 | -1): void {
    if (!identity) return;
    const count = this.countOf(identity.userId) + more;
    if (count > 0) this.#perUser.set(identity.userId, count);
    else this.#perUser.delete(identity.userId);
  }

  /** Another history: its listeners come back with their cursors, and are told in their next session. */
  private endListenersOf(channel: string): void {
    for (const connection of this.#connections.values()) {
      if (connection.channels.has(channel)) connection.cut();
    }
  }

  private endRevoked(): void {
    for (const connection of this.#connections.values()) {
      if (connection.identity && this.revocations.isRevoked(connection.identity)) connection.end('revoked', 0);
    }
  }

  private look(): void {
    const [now, time] = [performance.now(), Date.now()];
    for (const connection of this.#connections.values()) {
      if (connection.hasExpired(time)) connection.end('token_expired', 0);
      // One that was let in while the news of it came.
      else if (connection.identity && this.revocations.isRevoked(connection.identity)) connection.end('revoked', 0);
      if (connection.isEnded || !connection.isTooSlow(now)) continue;
      this.logger.log(`a client of ${connection.identity?.userId ?? 'nobody'} does not read, and is dropped`);
      connection.end('slow_consumer', SLOW_PAUSE_MS);
    }
  }
}
