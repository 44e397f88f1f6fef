import type { OutgoingHttpHeaders } from 'node:http';
import { Controller, Get, Headers, Logger, Query, Req, Res, UseGuards } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { BearerGuard, CurrentIdentity, type Identity } from '#auth';
import { userChannel } from '#contracts';
import { RateLimitGuard } from '#http';
import { Audience } from '../connections/audience.ts';
import { Connections } from '../connections/connections.service.ts';
import { readCursors } from '../connections/given-cursors.ts';
import { StreamConnection } from './stream-connection.ts';
import { StreamHub } from './stream-hub.ts';

/** A comment now and then keeps proxies from closing a silent stream, in milliseconds. */
const KEEP_ALIVE_MS = 15_000;

/** The own channel as Server-Sent Events, for clients without socket.io. */
@Controller('v1/outcomes')
@UseGuards(BearerGuard, RateLimitGuard)
export class StreamController {
  private readonly logger = new Logger(StreamController.name);

  constructor(
    private readonly audience: Audience,
    private readonly connections: Connections,
    private readonly hub: StreamHub,
  ) {}

  @Get('stream')
  async stream(
    @Req() { method }: FastifyRequest,
    @Res() reply: FastifyReply,
    @CurrentIdentity() identity: Identity,
    @Headers('last-event-id') lastEventId?: string,
    @Query('after') after?: string,
  ): Promise<void> {
    this.connections.assertRoomFor(identity);
    reply.hijack();
    // Gone while its token was looked at: nothing would tell of its end any more.
    if (reply.raw.destroyed) return;
    reply.raw.writeHead(200, {
      ...(reply.getHeaders() as OutgoingHttpHeaders),
      'Content-Type': 'text/event-stream; charset=utf-8',
      'Cache-Control': 'no-store',
      'X-Accel-Buffering': 'no',
    });
    // Has no body to wait for (RFC 9110, 9.3.2).
    if (method === 'HEAD') return void reply.raw.end();
    const connection = new StreamConnection(reply.raw, this.hub, identity);
    const channel = userChannel(identity.userId);
    const keepAlive = setInterval(() => connection.write(':\n\n'), KEEP_ALIVE_MS).unref();
    this.connections.add(connection);
    reply.raw.once('close', () => {
      clearInterval(keepAlive);
      this.connections.remove(connection.id);
    });
    try {
      const enter = await this.audience.start(connection, readCursors([lastEventId ?? after]), [channel]);
      await enter();
    } catch (error) {
      this.logger.warn(`could not start a stream: ${String(error)}`);
      connection.cut();
    }
  }
}
