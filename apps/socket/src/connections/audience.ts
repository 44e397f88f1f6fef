import { Injectable, Logger } from '@nestjs/common';
import { ChannelsServer } from '#channels';
import { SocketConfig } from '#config';
import { AUTHENTICATED, EVERYONE, eventNameOf, userChannel, type Session } from '#contracts';
import type { Connection } from './connection.ts';
import type { GivenCursors } from './given-cursors.ts';
import { describePositions, startPosition, type StartPosition } from './positions.ts';

/** Events replayed at once. */
const PAGE = 100;

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

  /** Replays a channel from a position, and enters it at a moment when the two meet. */
  private async join(connection: Connection, { channel, from }: StartPosition): Promise<void> {
    let known = from.offset;
    while (connection.isOpen) {
      const hasEntered = await channel.at(known, ({ offset }) => {
        if (offset > known || !connection.isOpen) return false;
        connection.enter(channel.name);
        return true;
      });
      if (hasEntered) return;
      const { events } = await this.channels.history.read({ channel: channel.name, after: known, limit: PAGE });
      for (const event of events) connection.send(eventNameOf(event.type), { ...event, replayed: true });
      known = events.at(-1)?.offset ?? this.nothingAfter(channel.name, known, channel.position!.offset);
      await connection.keepsUp();
    }
  }

  /** Pruned in between: there is nothing left to replay. */
  private nothingAfter(channel: string, known: number, position: number): number {
    this.logger.warn(`a replay of ${channel} from ${known} found nothing up to ${position}`);
    return position;
  }
}

/** The channels that a connection hears without asking. */
function channelsOf({ identity }: Connection): string[] {
  return identity ? [userChannel(identity.userId), AUTHENTICATED, EVERYONE] : [EVERYONE];
}
