import { Injectable } from '@nestjs/common';
import { lastValueFrom } from 'rxjs';
import { v7 as uuidv7 } from 'uuid';
import { ChannelsClient } from '#channels';
import { ProblemError, userChannel, type Mirror } from '#contracts';
import type { MirrorMessage } from './mirror-message.ts';

/** Most that is mirrored at once, in bytes of JSON. */
const LARGEST_DATA = 16 * 1024;

/** The socket that does something, and whose it is. */
export interface MirrorSource {
  userId: string;
  socketId: string;
}

/** Tells a user's other connections, on every instance, what one of them does. Who is not there misses it. */
@Injectable()
export class MirrorService {
  constructor(private readonly channels: ChannelsClient) {}

  /**
   * Resolves when Redis has taken it.
   *
   * @throws {ProblemError} `PAYLOAD_TOO_LARGE`, or `UNAVAILABLE` while Redis is away
   */
  async send({ userId, socketId }: MirrorSource, { event, data = null }: Mirror): Promise<void> {
    if (Buffer.byteLength(JSON.stringify(data)) > LARGEST_DATA) {
      throw new ProblemError('PAYLOAD_TOO_LARGE', `data may have ${LARGEST_DATA} bytes of JSON`);
    }
    const message: MirrorMessage = {
      specversion: '1.0',
      id: uuidv7(),
      source: '/tidings',
      type: 'mirror',
      subject: `mirror/${encodeURIComponent(event)}`,
      time: new Date().toISOString(),
      channel: userChannel(userId),
      data: { event, data },
      from: socketId,
    };
    try {
      await lastValueFrom(this.channels.emit('mirror', message));
    } catch (cause) {
      throw new ProblemError('UNAVAILABLE', 'Other instances cannot be reached; try again', { cause });
    }
  }
}
