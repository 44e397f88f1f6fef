import { Logger, UseFilters } from '@nestjs/common';
import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
  type OnGatewayConnection,
  type OnGatewayDisconnect,
  type OnGatewayInit,
} from '@nestjs/websockets';
import type { Server, Socket } from 'socket.io';
import { validate } from '#actions';
import { TokenVerifier, type Identity } from '#auth';
import { SocketConfig } from '#config';
import { decodeCursor, ProblemError, type Ack } from '#contracts';
import { Deliveries } from '#ledger';
import { Audience } from '../connections/audience.ts';
import type { Connection } from '../connections/connection.ts';
import { Connections } from '../connections/connections.service.ts';
import { DeliveredCommand, PresenceCommand, RefreshCommand } from './commands.dto.ts';
import { Presence } from '../presence/presence.ts';
import { cursorsOf, identify } from './handshake.ts';
import { refuseUnknownEvents } from './known-events.ts';
import { ProblemAckFilter } from './problem.ack.ts';
import { SocketConnection } from './socket-connection.ts';

/** The socket.io namespace `/`: who connects, what they hear, what they may say. */
@WebSocketGateway()
@UseFilters(ProblemAckFilter)
export class TidingsGateway implements OnGatewayInit, OnGatewayConnection, OnGatewayDisconnect {
  private readonly logger = new Logger(TidingsGateway.name);

  @WebSocketServer()
  private readonly server!: Server;

  constructor(
    private readonly verifier: TokenVerifier,
    private readonly connections: Connections,
    private readonly audience: Audience,
    private readonly deliveries: Deliveries,
    private readonly presence: Presence,
    private readonly config: SocketConfig,
  ) {}

  afterInit(server: Server): void {
    server.use((socket, next) => {
      void this.admit(socket, next);
    });
  }

  async handleConnection(socket: Socket): Promise<void> {
    const connection = new SocketConnection(socket, identityOf(socket));
    this.connections.add(connection);
    socket.use(refuseUnknownEvents);
    try {
      await this.audience.start(connection, cursorsOf(socket));
    } catch (error) {
      this.logger.warn(`could not start a connection: ${String(error)}`);
      connection.cut();
    }
  }

  handleDisconnect(socket: Socket): void {
    this.connections.remove(socket.id);
  }

  /** Goes on beyond the expiry of the token. */
  @SubscribeMessage('refresh')
  async refresh(
    @ConnectedSocket() socket: Socket,
    @MessageBody() body: unknown,
  ): Promise<Ack<{ tokenExpiresAt: string }>> {
    const identity = await this.verifier.verify(validate(RefreshCommand, body).token);
    const connection = this.connectionOf(socket);
    if (connection.identity?.userId !== identity.userId) {
      throw new ProblemError('FORBIDDEN', 'The token is not of the user of this connection; connect anew');
    }
    connection.renew(identity);
    return { ok: true, tokenExpiresAt: identity.expiresAt.toISOString() };
  }

  /** Notes up to where the user has handled a channel: what unread counts are made of. */
  @SubscribeMessage('delivered')
  async delivered(@ConnectedSocket() socket: Socket, @MessageBody() body: unknown): Promise<Ack> {
    const cursor = decodeCursor(validate(DeliveredCommand, body).cursor);
    if (!cursor) throw new ProblemError('CURSOR_INVALID');
    const { identity, channels } = this.connectionOf(socket);
    if (!identity || !channels.has(cursor.channel)) {
      throw new ProblemError('FORBIDDEN', 'The cursor is of a channel that this connection does not hear');
    }
    await this.deliveries.note(identity.userId, cursor);
    return { ok: true };
  }

  /** Who is in a room, on all instances. */
  @SubscribeMessage('presence')
  async present(@ConnectedSocket() socket: Socket, @MessageBody() body: unknown): Promise<Ack<{ users: string[] }>> {
    const { channel } = validate(PresenceCommand, body);
    assertInRoom(this.connectionOf(socket), channel);
    return { ok: true, users: await this.presence.users(channel) };
  }

  /** Sends to everyone here who is in a channel; encoded once. */
  send(channel: string, name: string, message: object): void {
    this.server.to(channel).emit(name, message);
  }

  private connectionOf(socket: Socket): Connection {
    const connection = this.connections.get(socket.id);
    if (!connection) throw new ProblemError('FORBIDDEN', 'The connection is closed');
    return connection;
  }

  private async admit(socket: Socket, next: (error?: Error) => void): Promise<void> {
    try {
      const identity = await identify(socket, this.verifier);
      if (!identity && !this.config.ALLOW_GUESTS) {
        throw new ProblemError('UNAUTHENTICATED', 'Guests are not allowed here');
      }
      (socket.data as { identity: Identity | null }).identity = identity;
    } catch (error) {
      return next(connectError(error));
    }
    next();
  }
}

function identityOf(socket: Socket): Identity | null {
  return (socket.data as { identity: Identity | null }).identity;
}

/** The same for a foreign room and for one that is not there. */
function assertInRoom({ channels }: Connection, channel: string): void {
  if (channel.startsWith('room:') && channels.has(channel)) return;
  throw new ProblemError('FORBIDDEN', 'Subscribe to the room first; only its members can');
}

/** socket.io hands `data` to the client's `connect_error`. */
function connectError(error: unknown): Error & { data?: unknown } {
  const problem = error instanceof ProblemError ? error : new ProblemError('INTERNAL');
  return Object.assign(new Error(problem.detail), { data: problem.toProblem() });
}
