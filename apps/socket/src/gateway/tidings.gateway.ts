import { Logger, UseFilters, type BeforeApplicationShutdown } from '@nestjs/common';
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
import { ChannelsServer } from '#channels';
import { SocketConfig } from '#config';
import {
  AUTHENTICATED,
  EVERYONE,
  eventNameOf,
  ProblemError,
  userChannel,
  type Ack,
  type EphemeralEnvelope,
  type Envelope,
  type Session,
} from '#contracts';
import { Audience } from './audience.ts';
import { RefreshCommand } from './commands.dto.ts';
import { Connection } from './connection.ts';
import { cursorsOf, identify } from './handshake.ts';
import { refuseUnknownEvents } from './known-events.ts';
import { describePositions, startPosition } from './positions.ts';
import { ProblemAckFilter } from './problem.ack.ts';

/** Longest time until a client of a draining instance comes back, in milliseconds. */
const DRAIN_SPREAD_MS = 1_000;

/** The socket.io namespace `/`: who connects, what they hear, what they may say. */
@WebSocketGateway()
@UseFilters(ProblemAckFilter)
export class TidingsGateway
  implements OnGatewayInit, OnGatewayConnection, OnGatewayDisconnect, BeforeApplicationShutdown
{
  private readonly logger = new Logger(TidingsGateway.name);
  readonly #connections = new Map<string, Connection>();

  @WebSocketServer()
  private readonly server!: Server;

  constructor(
    private readonly verifier: TokenVerifier,
    private readonly channels: ChannelsServer,
    private readonly audience: Audience,
    private readonly config: SocketConfig,
  ) {
    channels.onEpoch = (channel) => this.endListenersOf(channel);
  }

  afterInit(server: Server): void {
    server.use((socket, next) => {
      void this.admit(socket, next);
    });
  }

  /** Sends `session` first, then what was missed, then what happens. */
  async handleConnection(socket: Socket): Promise<void> {
    const connection = new Connection(socket, identityOf(socket));
    this.#connections.set(socket.id, connection);
    socket.use(refuseUnknownEvents);
    try {
      await this.start(connection);
    } catch (error) {
      this.logger.warn(`could not start a connection: ${String(error)}`);
      // Not a disconnect packet: the client shall try again.
      socket.conn.close();
    }
  }

  handleDisconnect(socket: Socket): void {
    const connection = this.#connections.get(socket.id);
    if (!connection) return;
    this.#connections.delete(socket.id);
    connection.dispose();
    this.audience.leave(connection);
  }

  /** Goes on beyond the expiry of the token. */
  @SubscribeMessage('refresh')
  async refresh(
    @ConnectedSocket() socket: Socket,
    @MessageBody() body: unknown,
  ): Promise<Ack<{ tokenExpiresAt: string }>> {
    const identity = await this.verifier.verify(validate(RefreshCommand, body).token);
    const connection = this.#connections.get(socket.id);
    if (!connection?.identity || connection.identity.userId !== identity.userId) {
      throw new ProblemError('FORBIDDEN', 'The token is not of the user of this connection; connect anew');
    }
    connection.renew(identity);
    return { ok: true, tokenExpiresAt: identity.expiresAt.toISOString() };
  }

  /** Gives an event to everyone here who hears its channel; it is encoded once. */
  deliver(envelope: Envelope): void {
    this.server.to(envelope.channel).emit(eventNameOf(envelope.type), envelope);
  }

  /** Gives what is not kept to everyone here who hears its channel. */
  tell(event: string, envelope: EphemeralEnvelope): void {
    this.server.to(envelope.channel).emit(event, envelope);
  }

  /** Tells everyone to come back elsewhere, spread over a moment. The transports are closed with the server. */
  beforeApplicationShutdown(): void {
    for (const connection of this.#connections.values()) {
      connection.end('drain', Math.round(Math.random() * DRAIN_SPREAD_MS));
    }
  }

  /** How many connections, and of how many users. */
  get load(): { connections: number; users: number } {
    const users = new Set([...this.#connections.values()].map(({ identity }) => identity?.userId));
    users.delete(undefined);
    return { connections: this.#connections.size, users: users.size };
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

  private async start(connection: Connection): Promise<void> {
    const { socket, identity } = connection;
    const given = cursorsOf(socket.handshake.auth);
    const names = identity ? [userChannel(identity.userId), AUTHENTICATED, EVERYONE] : [EVERYONE];
    const starts = await Promise.all(
      names.map(async (name) => {
        const channel = await this.channels.open(name);
        if (socket.connected) connection.channels.add(name);
        else this.channels.release(name);
        return startPosition(this.channels, channel, given);
      }),
    );
    const session: Session = {
      userId: identity?.userId ?? null,
      instance: this.config.INSTANCE_ID,
      ...describePositions(starts, given),
      tokenExpiresAt: identity?.expiresAt.toISOString() ?? null,
    };
    socket.emit('session', session);
    await Promise.all(starts.map((start) => this.audience.join(connection, start)));
  }

  /** Another history: its listeners come back with their cursors, and are told in their next session. */
  private endListenersOf(channel: string): void {
    for (const connection of this.#connections.values()) {
      if (connection.channels.has(channel)) connection.socket.conn.close();
    }
  }
}

function identityOf(socket: Socket): Identity | null {
  return (socket.data as { identity: Identity | null }).identity;
}

/** socket.io hands `data` to the client's `connect_error`. */
function connectError(error: unknown): Error & { data?: unknown } {
  const problem = error instanceof ProblemError ? error : new ProblemError('INTERNAL');
  return Object.assign(new Error(problem.detail), { data: problem.toProblem() });
}
