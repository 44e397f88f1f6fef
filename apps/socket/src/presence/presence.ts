import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import { ChannelsClient } from '#channels';
import { ProblemError, type EphemeralEnvelope, type PresenceChange } from '#contracts';
import { InstanceRegistry } from '#instances';
import { PresenceStore } from './presence-store.ts';

/** How long the last socket of a user may be away before the user has left, in milliseconds. */
const GRACE_MS = 1_500;

/** How often the channels are kept for longer, in milliseconds. */
const REFRESH_MS = 60_000;

/** Channels that are looked after at once. */
const AT_ONCE = 50;

/** A user in a channel, on this instance. */
interface LocalUser {
  sockets: number;
  /** Runs, or ran, while there is no socket. */
  leaving?: NodeJS.Timeout;
}

/**
 * Who is in a channel, over all instances, and `presence.joined` and `presence.left` for it:
 * once a user, however many sockets.
 *
 * Here is counted who is on this instance; Redis has an entry for each of them, marked with the
 * boot id of the instance ({@link InstanceRegistry}). Nothing waits for Redis: what does not reach
 * it is made good by entering under another boot id and bringing all entries again. The entries
 * of instances that are gone are cleared away by those that are left, each for its own channels.
 */
@Injectable()
export class Presence implements OnApplicationShutdown {
  private readonly logger = new Logger(Presence.name);
  readonly #channels = new Map<string, Map<string, LocalUser>>();
  readonly #refreshing: NodeJS.Timeout;

  constructor(
    private readonly store: PresenceStore,
    private readonly instances: InstanceRegistry,
    private readonly publisher: ChannelsClient,
  ) {
    instances.onEntered = ({ isRedisNew }) => void this.bring(this.#channels.keys(), isRedisNew);
    instances.onGone = () => void this.clear([...this.#channels.keys()]);
    this.#refreshing = setInterval(() => void this.refresh(), REFRESH_MS).unref();
  }

  /** How many users are in channels here, each counted once a channel. */
  get size(): number {
    let size = 0;
    for (const users of this.#channels.values()) size += users.size;
    return size;
  }

  /** One more socket of a user is in a channel. */
  join(channel: string, userId: string): void {
    const known = this.#channels.get(channel);
    const users = known ?? new Map<string, LocalUser>();
    if (!known) this.#channels.set(channel, users);
    const user = users.get(userId);
    if (user) {
      clearTimeout(user.leaving);
      user.sockets += 1;
      return;
    }
    users.set(userId, { sockets: 1 });
    void this.add(channel, [userId]);
    // Nobody here was in the channel, so nobody here cleared it when an instance went.
    if (!known) void this.clear([channel]);
  }

  /** One socket of a user is no longer in a channel. */
  leave(channel: string, userId: string): void {
    const user = this.#channels.get(channel)?.get(userId);
    if (!user) return;
    user.sockets -= 1;
    if (user.sockets > 0) return;
    user.leaving = setTimeout(() => void this.remove(channel, userId), GRACE_MS).unref();
  }

  /**
   * Everyone in a channel, on all instances, each once, sorted.
   *
   * @throws {ProblemError} `UNAVAILABLE` when Redis does not answer in time (0.8 s)
   */
  async users(channel: string): Promise<string[]> {
    try {
      const [entries, alive] = await Promise.all([this.store.entries(channel), this.instances.alive()]);
      const present = entries.filter(({ bootId }) => alive.has(bootId)).map(({ userId }) => userId);
      return [...new Set(present)].toSorted();
    } catch (cause) {
      throw new ProblemError('UNAVAILABLE', 'Who is present cannot be told at the moment; try again', { cause });
    }
  }

  onApplicationShutdown(): void {
    clearInterval(this.#refreshing);
  }

  private async add(channel: string, userIds: readonly string[], isSilent = false): Promise<void> {
    const { bootId } = this.instances;
    // All are brought when the instance enters.
    if (bootId === undefined) return;
    const joined = await this.reach(this.store.add(channel, bootId, userIds));
    if (!isSilent) for (const userId of joined ?? []) this.tell('presence.joined', { channel, userId });
  }

  private async remove(channel: string, userId: string): Promise<void> {
    const users = this.#channels.get(channel);
    users?.delete(userId);
    if (users?.size === 0) this.#channels.delete(channel);
    const { bootId } = this.instances;
    if (bootId === undefined) return;
    const left = await this.reach(this.store.remove(channel, bootId, [userId]));
    for (const each of left ?? []) this.tell('presence.left', { channel, userId: each });
  }

  /** Brings all entries of channels. */
  private async bring(channels: Iterable<string>, isSilent: boolean): Promise<void> {
    await inSteps([...channels], (channel) => {
      const users = this.#channels.get(channel);
      return users ? this.add(channel, [...users.keys()], isSilent) : Promise.resolve();
    });
  }

  /** Clears channels of entries whose instances are gone. */
  private async clear(channels: readonly string[]): Promise<void> {
    if (!this.instances.isSettled) return;
    await inSteps(channels, async (channel) => {
      const entries = await this.reach(this.store.entries(channel));
      // After the entries: an instance enters before it brings its own.
      const alive = entries && (await this.reach(this.instances.alive()));
      if (!alive?.size) return;
      const dead = new Set(entries?.map(({ bootId }) => bootId).filter((bootId) => !alive.has(bootId)));
      if (dead.size === 0) return;
      const left = await this.reach(this.store.purge(channel, [...dead]));
      for (const userId of left ?? []) this.tell('presence.left', { channel, userId });
    });
  }

  private async refresh(): Promise<void> {
    await inSteps([...this.#channels.keys()], async (channel) => {
      const isThere = await this.reach(this.store.refresh(channel));
      // One node of a cluster has lost its data.
      if (isThere === false) await this.bring([channel], true);
    });
  }

  /** Waits for Redis; when it cannot be reached, everything is brought again later. */
  private async reach<Answer>(asked: Promise<Answer>): Promise<Answer | undefined> {
    try {
      return await asked;
    } catch (error) {
      this.logger.debug(`presence did not reach Redis: ${String(error)}`);
      this.instances.reenter();
      return undefined;
    }
  }

  private tell(type: 'presence.joined' | 'presence.left', data: PresenceChange): void {
    const envelope: EphemeralEnvelope<PresenceChange> = {
      specversion: '1.0',
      id: uuidv7(),
      source: '/tidings',
      type,
      subject: `users/${data.userId}`,
      time: new Date().toISOString(),
      channel: data.channel,
      data,
    };
    this.publisher.emit('event', envelope).subscribe({ error: () => undefined });
  }
}

/** Does the work for each, some at once. */
async function inSteps<Item>(items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> {
  for (let start = 0; start < items.length; start += AT_ONCE) {
    await Promise.all(items.slice(start, start + AT_ONCE).map(work));
  }
}
