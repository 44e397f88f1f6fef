import { Injectable, Logger } from '@nestjs/common';
import { expiryOf } from '#auth';
import { ChannelsServer, type HistoryPage, type OrderedChannel } from '#channels';
import { SocketConfig } from '#config';
import {
  AUTHENTICATED,
  checkOf,
  EVERYONE,
  evictionOf,
  isEvicted,
  isRoomChannel,
  ProblemError,
  userChannel,
  type Cursor,
  type Envelope,
  type Eviction,
  type Session,
} from '#contracts';
import type { Membership } from '#ledger';
import { counter } from '#telemetry';
import type { Connection, Hearing } from './connection.ts';
import { readCursors, type GivenCursors } from './given-cursors.ts';
import { Memberships } from './memberships.service.ts';
import { Presence } from '../presence/presence.ts';
import { behind, describePositions, startPosition, type StartPosition } from './positions.ts';

const replayCount = counter('replays', 'Times that a connection was told what it had missed in a channel');
const replayedCount = counter('events_replayed', 'Events that single connections had missed');

/** Most channels that one connection hears. */
const MOST_CHANNELS = 1_000;

/** Brings a connection into channels: first with what it missed. Resolves when it is in all of them. */
type Enter = () => Promise<void>;

/** A channel that a connection is about to enter. */
interface Entrance extends StartPosition {
  hearing: Hearing;
}

/** Brings connections into their channels: first what they missed, then what happens, nothing twice. */
@Injectable()
export class Audience {
  private readonly logger = new Logger(Audience.name);

  constructor(
    private readonly channels: ChannelsServer,
    private readonly memberships: Memberships,
    private readonly presence: Presence,
    private readonly config: SocketConfig,
  ) {}

  /**
   * Starts a connection: `session` first. Rooms for which it has a cursor go on where it was.
   *
   * @param names which channels it hears; those of its identity unless given
   * @returns what brings it in: replays, then live events
   * @throws when the ledger cannot be read
   */
  async start(connection: Connection, given: GivenCursors, names?: string[]): Promise<Enter> {
    const { identity } = connection;
    const own = (names ?? channelsOf(connection)).map((name) => this.open(connection, name, given));
    const rooms = names || !identity ? [] : [...given.byChannel.keys()].filter(isRoomChannel);
    const opened = await Promise.all([...own, ...rooms.map((name) => this.openRoom(connection, name, given))]);
    const entrances = opened.filter((entrance) => entrance !== undefined);
    const session: Session = {
      userId: identity?.userId ?? null,
      instance: this.config.INSTANCE_ID,
      ...describePositions(entrances, given),
      tokenExpiresAt: identity && expiryOf(identity),
    };
    connection.send('session', session);
    return async () => void (await Promise.all(entrances.map((entrance) => this.join(connection, entrance))));
  }

  /**
   * Starts a connection once more, as that of its user. What it hears already goes on from
   * where it is: nothing of that is missed, and nothing heard is behind the cursors of its session.
   *
   * @returns as {@link start}
   */
  async startAgain(connection: Connection): Promise<Enter> {
    const positions = await Promise.all(
      [...connection.channels.keys()].map((name) => this.leaveBetween(connection, name)),
    );
    return this.start(connection, { ...readCursors([]), byChannel: new Map(positions) });
  }

  /**
   * Has a connection hear a room, of which its user is a member. Again with a cursor: from there once more.
   *
   * @returns where it starts, and what brings it in
   * @throws {ProblemError} `FORBIDDEN`, the same for a foreign room and a missing one
   */
  async subscribe(
    connection: Connection,
    name: string,
    given: GivenCursors,
  ): Promise<{ start: StartPosition; enter: Enter }> {
    if (!isRoomChannel(name)) throw foreign();
    const isAnew = given.fromBeginning || given.byChannel.has(name);
    const before = await this.ofThisMembership(connection, name);
    if (before && !isAnew) return { start: this.present(connection, before), enter: () => Promise.resolve() };
    this.leave(connection, name);
    if (connection.channels.size >= MOST_CHANNELS) {
      throw new ProblemError('RATE_LIMITED', `A connection hears ${MOST_CHANNELS} channels at most`);
    }
    const entrance = await this.openRoom(connection, name, given);
    if (!entrance) throw foreign();
    return { start: entrance, enter: () => this.join(connection, entrance) };
  }

  /** A connection hears a channel no more. */
  leave(connection: Connection, name: string): void {
    const hearing = connection.channels.get(name);
    if (!hearing) return;
    hearing.isOver = true;
    if (hearing.isPresent) this.presence.leave(name, connection.identity!.userId);
    connection.channels.delete(name);
    connection.leave(name);
    this.channels.release(name);
    hearing.onOver?.();
  }

  /** Ends the membership of those who have entered; others meet its end in their replays. */
  evict(connections: Iterable<Connection>, name: string, eviction: Eviction): void {
    for (const connection of connections) {
      const isIn = connection.channels.get(name)?.hasEntered === true;
      if (isIn && isEvicted(eviction, connection.identity?.userId)) this.leave(connection, name);
    }
  }

  /** @throws {ProblemError} `FORBIDDEN`, as for {@link subscribe}, unless its user is a member of the room */
  async assertMember({ channels, identity }: Connection, name: string): Promise<void> {
    if (!isRoomChannel(name) || !identity) throw foreign();
    if (channels.get(name)?.isPresent) return;
    if (!(await this.memberships.read(name, identity.userId))) throw foreign();
  }

  /**
   * Where it started in a room that it hears already. A membership that has ended, and begun
   * anew, is first heard to its end, which the stream may not have brought yet: else that
   * would end the new one.
   */
  private async ofThisMembership(connection: Connection, name: string): Promise<Hearing['start']> {
    const hearing = connection.channels.get(name);
    const { identity } = connection;
    if (!hearing?.start || !identity) return undefined;
    const { channel, from } = hearing.start;
    const membership = await this.memberships.read(name, identity.userId);
    if (!membership) throw foreign();
    if (hearing.isOver) return undefined;
    if (from.offset >= membership.floor.offset) return hearing.start;
    const over = new Promise<void>((resolve) => (hearing.onOver = resolve));
    await Promise.all([over, channel.at(membership.floor.offset, () => undefined)]);
    return undefined;
  }

  /** Leaves a channel between two events, the first of which it has heard, and tells which one. */
  private async leaveBetween(connection: Connection, name: string): Promise<[name: string, heard: Cursor]> {
    const channel = await this.channels.open(name);
    try {
      const heard = await channel.at(0, (position) => {
        this.leave(connection, name);
        return position;
      });
      return [name, heard];
    } finally {
      this.channels.release(name);
    }
  }

  /** Where it is in a channel that it hears. */
  private present(connection: Connection, { channel, from }: Pick<StartPosition, 'channel' | 'from'>): StartPosition {
    const { hasEntered } = connection.channels.get(channel.name)!;
    return { channel, from: hasEntered ? channel.position! : from, missed: [] };
  }

  private async openRoom(connection: Connection, name: string, given: GivenCursors): Promise<Entrance | undefined> {
    const { identity } = connection;
    if (!identity) return undefined;
    return this.open(connection, name, given, () => this.memberships.read(name, identity.userId));
  }

  private open(connection: Connection, name: string, given: GivenCursors): Promise<Entrance>;
  private open(
    connection: Connection,
    name: string,
    given: GivenCursors,
    admission: () => Promise<Membership | undefined>,
  ): Promise<Entrance | undefined>;
  private async open(
    connection: Connection,
    name: string,
    given: GivenCursors,
    admission?: () => Promise<Membership | undefined>,
  ): Promise<Entrance | undefined> {
    const cursor = admission ? undefined : given.byChannel.get(name);
    let missed: HistoryPage | undefined;
    // Who opens it, and was there before, reads what followed with its position.
    const readHead = async (): Promise<Cursor> => (missed = await this.channels.history.read(behind(cursor!))).head;
    const channel = await this.channels.open(name, cursor && readHead);
    const hearing: Hearing = { hasEntered: false, isOver: false };
    if (!connection.isOpen) {
      this.channels.release(name);
      hearing.isOver = true;
    } else connection.channels.set(name, hearing);
    try {
      const membership = await admission?.();
      if (admission && !membership) {
        this.leave(connection, name);
        return undefined;
      }
      const start = await startPosition(this.channels, channel, given, { membership, missed });
      if (membership) hearing.start = { channel, from: start.from };
      if (membership && !hearing.isOver) {
        hearing.isPresent = true;
        this.presence.join(name, connection.identity!.userId);
      }
      return { ...start, hearing };
    } catch (error) {
      this.leave(connection, name);
      throw error;
    }
  }

  /**
   * Replays a channel from a position, and enters it at a moment when the two meet. Whatever
   * cannot be replayed whole, because the ledger was pruned or restored in between, is told in
   * the next session.
   */
  private async join(connection: Connection, { channel, from, missed, hearing }: Entrance): Promise<void> {
    let known = from;
    let events = missed;
    while (!hearing.isOver && connection.isOpen) {
      await this.replay(connection, channel.name, hearing, events);
      if (hearing.isOver) return;
      const last = events.at(-1);
      if (last) known = { channel: channel.name, offset: last.offset, check: checkOf(last.id) };
      await connection.keepsUp();
      if (await this.enters(connection, channel, hearing, known.offset)) return;
      const page = await this.channels.history.read(behind(known));
      if (hearing.isOver) return;
      if (page.reason !== undefined || page.events.length === 0) return this.startAnew(connection, known, page.reason);
      events = page.events;
    }
  }

  /** Sends what was missed, no faster than it is taken. A membership may end with one of the events. */
  private async replay(
    connection: Connection,
    name: string,
    hearing: Hearing,
    events: readonly Envelope[],
  ): Promise<void> {
    if (events.length > 0) replayCount.inc();
    replayedCount.inc(events.length);
    for (const event of events) {
      // Not for each event: what is said in one moment is one write.
      if (!connection.isKeepingUp) await connection.keepsUp();
      if (hearing.isOver) return;
      connection.replay(event);
      if (isEvicted(evictionOf(event), connection.identity?.userId)) return this.leave(connection, name);
    }
  }

  /** Whether the connection was brought into the channel: only if it knows all that was delivered there. */
  private enters(connection: Connection, channel: OrderedChannel, hearing: Hearing, known: number): Promise<boolean> {
    return channel.at(known, ({ offset }) => {
      if (offset > known || hearing.isOver || !connection.isOpen) return false;
      connection.enter(channel.name);
      hearing.hasEntered = true;
      return true;
    });
  }

  /** What was to come is gone, or was never there: the client comes back with its cursors. */
  private startAnew(connection: Connection, { channel, offset }: Cursor, reason = 'nothing there'): void {
    this.logger.warn(`cannot go on replaying ${channel} from ${offset}: ${reason}`);
    void this.channels.checkPositions();
    connection.cut();
  }
}

/** The same for a foreign room, a missing one, and what is no room. */
function foreign(): ProblemError {
  return new ProblemError('FORBIDDEN', 'You are not a member of such a room');
}

/** The channels that a connection hears without asking. */
function channelsOf({ identity }: Connection): string[] {
  return identity ? [userChannel(identity.userId), AUTHENTICATED, EVERYONE] : [EVERYONE];
}
