import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { SocketConfig } from '#config';
import { connectRedis, type RedisConnection } from '#redis';
import { ADD, PURGE, REMOVE } from './presence-scripts.ts';

/** Longest answer of Redis, in milliseconds. */
const DEADLINE_MS = 800;

/** How long a channel is kept that no instance refreshes, in milliseconds. */
const LIFE_MS = 3_600_000;

/** A user in a channel, by one instance. */
export interface PresenceEntry {
  userId: string;
  bootId: string;
}

/** The presence of all instances, in Redis. Everything rejects when it does not answer in time (0.8 s). */
@Injectable()
export class PresenceStore implements OnApplicationShutdown {
  readonly #redis: RedisConnection;

  constructor(private readonly config: SocketConfig) {
    this.#redis = connectRedis(config.REDIS_URL, { name: 'tidings-presence', deadlineMs: DEADLINE_MS });
  }

  /** @returns those who were in the channel by no instance before */
  async add(channel: string, bootId: string, userIds: readonly string[]): Promise<string[]> {
    const users = userIds.map(encodeURIComponent);
    return decoded(await this.#redis.eval(ADD, 1, this.keyOf(channel), bootId, String(LIFE_MS), ...users));
  }

  /** @returns those who are in the channel by no instance any more */
  async remove(channel: string, bootId: string, userIds: readonly string[]): Promise<string[]> {
    return decoded(await this.#redis.eval(REMOVE, 1, this.keyOf(channel), bootId, ...userIds.map(encodeURIComponent)));
  }

  /**
   * Clears away what dead instances left.
   *
   * @returns those who are in the channel by no instance any more
   */
  async purge(channel: string, dead: readonly string[]): Promise<string[]> {
    return decoded(await this.#redis.eval(PURGE, 1, this.keyOf(channel), ...dead));
  }

  async entries(channel: string): Promise<PresenceEntry[]> {
    const members = await this.#redis.zrange(this.keyOf(channel), '0', '-1');
    return members.map((member) => {
      const [user, bootId] = member.split(' ');
      return { userId: decodeURIComponent(user!), bootId: bootId! };
    });
  }

  /**
   * Keeps a channel for longer.
   *
   * @returns false when it is not there
   */
  async refresh(channel: string): Promise<boolean> {
    return (await this.#redis.pexpire(this.keyOf(channel), LIFE_MS)) === 1;
  }

  onApplicationShutdown(): void {
    this.#redis.disconnect();
  }

  private keyOf(channel: string): string {
    return `${this.config.REDIS_PREFIX}:presence:{${channel}}`;
  }
}

function decoded(users: unknown): string[] {
  return (users as string[]).map(decodeURIComponent);
}
