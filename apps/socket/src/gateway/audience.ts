import { Injectable, Logger } from '@nestjs/common';
import { ChannelsServer } from '#channels';
import { eventNameOf } from '#contracts';
import type { Connection } from './connection.ts';
import type { StartPosition } from './positions.ts';

/** Events replayed at once. */
const PAGE = 200;

/** Brings connections into their channels: first what they missed, then what happens, nothing twice. */
@Injectable()
export class Audience {
  private readonly logger = new Logger(Audience.name);

  constructor(private readonly channels: ChannelsServer) {}

  /**
   * Replays a channel from a position and joins the connection to the live events, at a
   * moment when the two meet.
   */
  async join(connection: Connection, { channel, from }: StartPosition): Promise<void> {
    const { socket } = connection;
    for (let known = from.offset; socket.connected;) {
      const isJoined = await channel.at(known, ({ offset }) => {
        if (offset > known && socket.connected) return false;
        void socket.join(channel.name);
        return true;
      });
      if (isJoined) return;
      const { events } = await this.channels.history.read({ channel: channel.name, after: known, limit: PAGE });
      if (events.length === 0) {
        // Pruned in between: there is nothing left to replay.
        this.logger.warn(`a replay of ${channel.name} from ${known} found nothing`);
        known = channel.position!.offset;
      }
      for (const event of events) {
        socket.emit(eventNameOf(event.type), { ...event, replayed: true });
        known = event.offset;
      }
    }
  }

  /** Leaves all channels. */
  leave(connection: Connection): void {
    for (const channel of connection.channels) this.channels.release(channel);
    connection.channels.clear();
  }
}
