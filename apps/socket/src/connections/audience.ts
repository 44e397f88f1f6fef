import { Injectable, Logger } from '@nestjs/common';
import { ChannelsServer, type HistoryPage, type OrderedChannel } from '#channels';
import { SocketConfig } from '#config';
import { AUTHENTICATED, checkOf, EVERYONE, eventNameOf, userChannel, type Cursor, type Session } from '#contracts';
import type { Connection } from './connection.ts';
import type { GivenCursors } from './given-cursors.ts';
import { describePositions, PAGE, startPosition, UNKNOWN_CHECK, type StartPosition } from './positions.ts';

/** Brings connections into their channels: first what they missed, then what happens, nothing twice. */
@Injectable()
export class Audience {
  private readonly logger = new Logger(Audience.name);

  constructor(
    private readonly channels: ChannelsServer,
    private readonly config: SocketConfig,
  ) {}

  /**
   * Starts a connection: `session` first, then replays, then live events.
   *
   * @param names which channels it hears; those of its identity unless given
   * @throws when the ledger cannot be read
   */
  async start(connection: Connection, given: GivenCursors, names = channelsOf(connection)): Promise<void> {
    const { identity } = connection;
    const starts = await Promise.all(names.map((name) => this.open(connection, name, given)));
    const session: Session = {
      userId: identity?.userId ?? null,
      instance: this.config.INSTANCE_ID,
      ...describePositions(starts, given),
      tokenExpiresAt: identity?.expiresAt.toISOString() ?? null,
    };
    connection.send('session', session);
    await Promise.all(starts.map((start) => this.join(connection, start)));
  }

  private async open(connection: Connection, name: string, given: GivenCursors): Promise<StartPosition> {
    const channel = await this.channels.open(name);
    if (connection.isOpen) connection.channels.add(name);
    else this.channels.release(name);
    return startPosition(this.channels, channel, given);
  }

  /**
   * Replays a channel from a position, and enters it at a moment when the two meet. Whatever
   * cannot be replayed whole, because the ledger was pruned or restored in between, is told in
   * the next session.
   */
  private async join(connection: Connection, { channel, from, missed }: StartPosition): Promise<void> {
    let known = from;
    let events = missed;
    while (connection.isOpen) {
      for (const event of events) connection.send(eventNameOf(event.type), { ...event, replayed: true });
      const last = events.at(-1);
      if (last) known = { channel: channel.name, offset: last.offset, check: checkOf(last.id) };
      await connection.keepsUp();
      if (await this.enters(connection, channel, known.offset)) return;
      const page = await this.readAfter(known);
      if (page.reason !== undefined || page.events.length === 0) return this.startAnew(connection, known, page.reason);
      events = page.events;
    }
  }

  /** Whether the connection was brought into the channel: only if it knows all that was delivered there. */
  private enters(connection: Connection, channel: OrderedChannel, known: number): Promise<boolean> {
    return channel.at(known, ({ offset }) => {
      if (offset > known || !connection.isOpen) return false;
      connection.enter(channel.name);
      return true;
    });
  }

  private readAfter({ channel, offset: after, check }: Cursor): Promise<HistoryPage> {
    const known = check === UNKNOWN_CHECK ? {} : { check };
    return this.channels.history.read({ channel, after, ...known, limit: PAGE });
  }

  /** What was to come is gone, or was never there: the client comes back with its cursors. */
  private startAnew(connection: Connection, { channel, offset }: Cursor, reason = 'nothing there'): void {
    this.logger.warn(`cannot go on replaying ${channel} from ${offset}: ${reason}`);
    void this.channels.checkPositions();
    connection.cut();
  }
}

/** The channels that a connection hears without asking. */
function channelsOf({ identity }: Connection): string[] {
  return identity ? [userChannel(identity.userId), AUTHENTICATED, EVERYONE] : [EVERYONE];
}
