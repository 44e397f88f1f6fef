import type { EventEmitter } from 'node:events';
import type { IncomingMessage, Server as HttpServer, ServerResponse } from 'node:http';
import type { Socket as NetworkSocket } from 'node:net';
import type { INestApplicationContext } from '@nestjs/common';
import { IoAdapter } from '@nestjs/platform-socket.io';
import type { MessageMappingProperties, WsResponse } from '@nestjs/websockets';
import { defer, type Observable } from 'rxjs';
import type { Server, ServerOptions, Socket } from 'socket.io';
import { SocketConfig } from '#config';
import type { AddressLimit, SecurityHeaders } from '#http';

/** Largest message of a client, in bytes; beyond it the connection is closed (1009). */
const LARGEST_MESSAGE = 64 * 1024;

/** What its requests have in common with those of Fastify, which never sees them. */
export interface IoGuards {
  addresses: Pick<AddressLimit, 'consumeRaw'>;
  secure: SecurityHeaders;
}

type Allow = (error: string | null, allowed: boolean) => void;

/** socket.io, set up for many long connections. */
export class TidingsIoAdapter extends IoAdapter {
  /** @param app the app, or the HTTP server that it would have */
  constructor(
    app: INestApplicationContext | HttpServer,
    private readonly config: Pick<SocketConfig, 'ALLOWED_ORIGINS' | 'CONNECT_TIMEOUT_MS'>,
    private readonly guards: IoGuards,
  ) {
    super(app);
  }

  override createIOServer(port: number, options?: ServerOptions): Server {
    const server = super.createIOServer(port, { ...options, ...this.options } as ServerOptions);
    server.engine.use((request: EngineRequest, response: ServerResponse, next: () => void) => {
      request.res = response;
      // The answer to an upgrade is no page.
      if (request.headers.upgrade === undefined) this.guards.secure(request, response);
      next();
    });
    writeTogether(server);
    server.on('connection', forgetRequest);
    return server;
  }

  /**
   * As Nest does it, with one listener for all commands of a connection, behind every other
   * middleware, in place of a pipeline of RxJS that waits for each command on each connection,
   * which was half of the memory of a connection.
   */
  override bindMessageHandlers(
    socket: Socket,
    handlers: MessageMappingProperties[],
    transform: (data: unknown) => Observable<unknown>,
  ): void {
    socket.use(([name, ...args], next) => {
      next();
      const handler = handlers.find(({ message }) => message === name);
      if (!handler || !socket.connected) return;
      const { data, ack } = this.mapPayload(args.length > 1 ? args : args[0]);
      defer(() => transform(handler.callback(data, ack))).subscribe({
        next: (response) => {
          if (response === undefined || response === null) return;
          const { event, data: said } = response as Partial<WsResponse>;
          if (event) socket.emit(event, said);
          else if (!handler.isAckHandledManually) ack?.(response);
        },
        error: (error: unknown) => this.logger.error(error),
      });
    });
  }

  protected get options(): Partial<ServerOptions> {
    const origins = this.config.ALLOWED_ORIGINS.split(',')
      .map((origin) => origin.trim())
      .filter(Boolean);
    return {
      path: '/socket.io',
      serveClient: false,
      maxHttpBufferSize: LARGEST_MESSAGE,
      // 250 KiB a connection otherwise.
      perMessageDeflate: false,
      httpCompression: false,
      connectTimeout: this.config.CONNECT_TIMEOUT_MS,
      pingInterval: 20_000,
      pingTimeout: 15_000,
      cors: { origin: origins.includes('*') ? '*' : origins, credentials: false },
      // Browsers do not apply CORS to websockets.
      allowRequest: (request: IncomingMessage, allow: Allow) => {
        if (isAllowed(request, origins)) void this.admit(request, allow);
        else allow(null, false);
      },
    };
  }

  /** Counts a new connection of an address; what is said on it later is counted by user. */
  private async admit(request: IncomingMessage, allow: Allow): Promise<void> {
    const isNew = !/[?&]sid=/.test(request.url ?? '');
    const waitSeconds = isNew ? await this.guards.addresses.consumeRaw(request) : undefined;
    if (waitSeconds === undefined) allow(null, true);
    else allow(`Too many connections from one address; wait ${waitSeconds} s`, false);
  }
}

/** What engine.io keeps of a client; other transports than websockets have no network socket. */
interface EngineSocket {
  transport: { socket?: { _socket?: NetworkSocket | null } };
  flush: () => void;
}

/**
 * What is said to a client in one moment, such as a replay, is one write to the network, and
 * not one a message: writing is what a gateway does most.
 */
function writeTogether({ engine }: Server): void {
  const events = engine as EventEmitter;
  events.on('connection', (socket: EngineSocket) => {
    const flush = socket.flush.bind(socket);
    let isDue = false;
    socket.flush = () => {
      if (isDue) return;
      isDue = true;
      // Not a tick later: whoever says goodbye may be closed as soon as promises have settled.
      queueMicrotask(() => {
        isDue = false;
        flush();
      });
    };
  });
  events.on('flush', ({ transport }: EngineSocket) => transport.socket?._socket?.cork());
  events.on('drain', ({ transport }: EngineSocket) => transport.socket?._socket?.uncork());
}

/** A request as engine.io has it, with its answer. */
type EngineRequest = IncomingMessage & { res?: { req?: IncomingMessage | undefined } };

/** What handshakes are made of, for all connections of which nothing more has to be known. */
const FORGOTTEN = { url: '/socket.io/', headers: {}, _query: {}, connection: {} };

/**
 * Of the request that opened a connection only the token is kept, if it came as a header: of it
 * a handshake is made once more when a client leaves and comes back on the same connection. What
 * listens to the end of the connection has the answer, and by it the request.
 *
 * @see https://socket.io/docs/v4/memory-usage/
 */
function forgetRequest({ conn }: Socket): void {
  const { request } = conn as { request: EngineRequest };
  const { headers, res } = request;
  if (!res) return;
  res.req = undefined;
  const { authorization } = headers;
  Object.assign(conn, {
    request: authorization === undefined ? FORGOTTEN : { ...FORGOTTEN, headers: { authorization } },
  });
}

/** Programs send no origin; pages must be of the same host or listed. */
function isAllowed({ headers }: IncomingMessage, origins: readonly string[]): boolean {
  if (headers.origin === undefined || origins.includes('*') || origins.includes(headers.origin)) return true;
  return URL.parse(headers.origin)?.host === headers.host;
}
