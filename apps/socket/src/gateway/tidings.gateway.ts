import { setImmediate as nextTurn } from 'node:timers/promises';
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
import { ActionsService, parseActionRequest, validate } from '#actions';
import { expiryOf, TokenVerifier, type Identity } from '#auth';
import { decodeCursor, isRoomChannel, ProblemError, type AcceptedAction, type Ack, type Subscribed } from '#contracts';
import { Deliveries } from '#ledger';
import { ActionLog, enterTrace } from '#telemetry';
import { Audience } from '../connections/audience.ts';
import type { Connection } from '../connections/connection.ts';
import { Connections } from '../connections/connections.service.ts';
import { readCursors } from '../connections/given-cursors.ts';
import { describePositions } from '../connections/positions.ts';
import { OutcomeTelemetry } from '../delivery/outcome-telemetry.ts';
import { MirrorService } from '../mirror/mirror.service.ts';
import {
  DeliveredCommand,
  MirrorCommand,
  PresenceCommand,
  RefreshCommand,
  SubscribeCommand,
  UnsubscribeCommand,
} from './commands.dto.ts';
import { Presence } from '../presence/presence.ts';
import { Admission } from './admission.ts';
import { EventLimits } from './event-limits.ts';
import { identityOf, setIdentity, takeCursors } from './handshake.ts';
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

  /** Guests that are being brought in. */
  readonly #arrivals = new WeakMap<Socket, Promise<void>>();

  /** The latest refresh of each that has asked for one. */
  readonly #refreshes = new WeakMap<Socket, Promise<unknown>>();

  constructor(
    private readonly admission: Admission,
    private readonly verifier: TokenVerifier,
    private readonly connections: Connections,
    private readonly audience: Audience,
    private readonly deliveries: Deliveries,
    private readonly telemetry: OutcomeTelemetry,
    private readonly log: ActionLog,
    private readonly actions: ActionsService,
    private readonly mirrors: MirrorService,
    private readonly presence: Presence,
    private readonly limits: EventLimits,
  ) {}

  afterInit(server: Server): void {
    server.use((socket, next) => {
      void this.admission.admit(socket, next);
    });
  }

  async handleConnection(socket: Socket): Promise<void> {
    this.admission.begun(socket);
    const connection = new SocketConnection(socket, identityOf(socket));
    this.connections.add(connection);
    socket.use(this.limits.middlewareOf(socket));
    socket.use(refuseUnknownEvents);
    const arrival = this.begin(connection, () => this.audience.start(connection, takeCursors(socket)));
    if (connection.identity) return;
    this.#arrivals.set(socket, arrival);
    await arrival;
    this.#arrivals.delete(socket);
  }

  handleDisconnect(socket: Socket): void {
    this.connections.remove(socket.id);
    this.limits.release(socket);
    this.admission.ended(socket);
  }

  /**
   * Goes on beyond the expiry of the token. A guest becomes its user, and has a session anew. One after the
   * other: verifying may take longer for one token than for the next, and the last one that comes is to last.
   */
  @SubscribeMessage('refresh')
  async refresh(
    @ConnectedSocket() socket: Socket,
    @MessageBody() body: unknown,
  ): Promise<Ack<{ tokenExpiresAt: string }>> {
    const { token } = validate(RefreshCommand, body);
    const before = this.#refreshes.get(socket);
    const refresh = Promise.allSettled([before]).then(() => this.goOnWith(socket, token));
    this.#refreshes.set(socket, refresh);
    return refresh;
  }

  private async goOnWith(socket: Socket, token: string): Promise<Ack<{ tokenExpiresAt: string }>> {
    const identity = await this.verifier.verify(token);
    await this.#arrivals.get(socket);
    const connection = this.connectionOf(socket);
    if (connection.identity === null) this.recognize(socket, connection, identity);
    else if (connection.identity.userId === identity.userId) connection.renew(identity);
    else throw new ProblemError('FORBIDDEN', 'The token is not of the user of this connection; connect anew');
    return { ok: true, tokenExpiresAt: expiryOf(identity) };
  }

  /** Notes up to where the user has handled a channel: what unread counts are made of. */
  @SubscribeMessage('delivered')
  async delivered(@ConnectedSocket() socket: Socket, @MessageBody() body: unknown): Promise<Ack> {
    const cursor = decodeCursor(validate(DeliveredCommand, body).cursor);
    if (!cursor) throw new ProblemError('CURSOR_INVALID');
    const connection = this.connectionOf(socket);
    await connection.started();
    const { identity, channels } = connection;
    if (!identity || !channels.has(cursor.channel)) {
      throw new ProblemError('FORBIDDEN', 'The cursor is of a channel that this connection does not hear');
    }
    await this.deliveries.note(identity.userId, cursor);
    this.telemetry.acknowledged(cursor);
    return { ok: true };
  }

  /** Hears a room from now on, or from a cursor: what was missed follows the answer. */
  @SubscribeMessage('subscribe')
  async subscribe(@ConnectedSocket() socket: Socket, @MessageBody() body: unknown): Promise<Ack<Subscribed>> {
    const { channel, cursor } = validate(SubscribeCommand, body);
    const connection = this.connectionOf(socket);
    const given = readCursors([cursor]);
    const { start, enter } = await connection.inTurn(() => this.audience.subscribe(connection, channel, given));
    // After the answer.
    setImmediate(() => void this.bringIn(connection, enter()));
    const { recovered, reasons, cursors } = describePositions([start], given);
    return { ok: true, recovered, ...(reasons && { reason: Object.values(reasons)[0]! }), cursor: cursors[0]! };
  }

  @SubscribeMessage('unsubscribe')
  async unsubscribe(@ConnectedSocket() socket: Socket, @MessageBody() body: unknown): Promise<Ack> {
    const { channel } = validate(UnsubscribeCommand, body);
    if (!isRoomChannel(channel)) throw new ProblemError('FORBIDDEN', 'Only rooms are subscribed to, and left');
    const connection = this.connectionOf(socket);
    await connection.inTurn(() => Promise.resolve(this.audience.leave(connection, channel)));
    return { ok: true };
  }

  /**
   * Takes an action, as REST does. Those of one socket are accepted in the order in which they
   * come, none before its session has begun: the outcome could come before what is heard here.
   */
  @SubscribeMessage('submit')
  async submit(
    @ConnectedSocket() socket: Socket,
    @MessageBody() body: unknown,
  ): Promise<Ack<{ action: AcceptedAction }>> {
    await this.connectionOf(socket).started();
    const identity = this.identifiedOf(socket);
    const startedAt = Date.now();
    const { traceparent, end } = enterTrace('submit', undefined);
    try {
      const { action } = await this.actions.submit(identity, { ...parseActionRequest(body), traceparent });
      this.log.note(
        'accepted',
        { ...action, traceparent },
        { startedAt, endedAt: Date.now() },
        { socketId: socket.id },
      );
      return { ok: true, action };
    } finally {
      end();
    }
  }

  /** Tells the user's other connections, on every instance, what this one does. Ephemeral. */
  @SubscribeMessage('mirror')
  async mirror(@ConnectedSocket() socket: Socket, @MessageBody() body: unknown): Promise<Ack> {
    const identity = this.identifiedOf(socket);
    const { event, data } = validate(MirrorCommand, body);
    await this.mirrors.send({ userId: identity.userId, socketId: socket.id }, { event, data });
    return { ok: true };
  }

  /** Sends to everyone here who is in a channel, save for one connection if it is named; encoded once. */
  send(channel: string, name: string, message: object, except?: string): void {
    const audience = this.server.to(channel);
    (except === undefined ? audience : audience.except(except)).emit(name, message);
  }

  /** Who is in a room, on all instances. */
  @SubscribeMessage('presence')
  async present(@ConnectedSocket() socket: Socket, @MessageBody() body: unknown): Promise<Ack<{ users: string[] }>> {
    const { channel } = validate(PresenceCommand, body);
    await this.audience.assertMember(this.connectionOf(socket), channel);
    return { ok: true, users: await this.presence.users(channel) };
  }

  /** A guest hears what its user does from now on. */
  private recognize(socket: Socket, connection: Connection, identity: Identity): void {
    this.connections.recognize(connection, identity);
    setIdentity(socket, identity);
    void this.begin(connection, async () => {
      // After the answer.
      await nextTurn();
      return this.audience.startAgain(connection);
    });
  }

  /** Begins a session; what is heard follows it. */
  private begin(connection: Connection, start: () => Promise<() => Promise<void>>): Promise<void> {
    const started = connection.start(start);
    return this.bringIn(
      connection,
      started.then((enter) => enter()),
    );
  }

  /** Who cannot be brought in is cut off, and comes back with its cursors. */
  private async bringIn(connection: Connection, entering: Promise<void>): Promise<void> {
    try {
      await entering;
    } catch (error) {
      this.logger.warn(`could not bring in a connection: ${String(error)}`);
      connection.cut();
    }
  }

  private connectionOf(socket: Socket): Connection {
    const connection = this.connections.get(socket.id);
    if (!connection) throw new ProblemError('FORBIDDEN', 'The connection is closed');
    return connection;
  }

  /** @throws {ProblemError} `FORBIDDEN` for guests, who only listen */
  private identifiedOf(socket: Socket): Identity {
    const { identity } = this.connectionOf(socket);
    if (!identity) throw new ProblemError('FORBIDDEN', 'Guests only listen; connect with a token');
    return identity;
  }
}
