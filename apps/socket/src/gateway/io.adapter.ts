import type { IncomingMessage, Server as HttpServer, ServerResponse } from 'node:http';
import type { INestApplicationContext } from '@nestjs/common';
import { IoAdapter } from '@nestjs/platform-socket.io';
import type { MessageMappingProperties, WsResponse } from '@nestjs/websockets';
import { defer, type Observable } from 'rxjs';
import type { Server, ServerOptions, Socket } from 'socket.io';
import { SocketConfig } from '#config';
import type { AddressLimit, SecurityHeaders } from '#http';
import { allowedOrigins, originOfCors } from '../allowed-origins.ts';
import { lighten } from './footprint.ts';
import { writeTogether } from './writing.ts';

/** Largest message of a client, in bytes; beyond it the connection is closed (1009). */
const LARGEST_MESSAGE = 64 * 1024;

/** What its requests have in common with those of Fastify, which never sees them. */
export interface IoGuards {
  addresses: Pick<AddressLimit, 'consumeRaw'>;
  secure: SecurityHeaders;
}

type Allow = (error: string | null, allowed: boolean) => void;

type Middleware = (request: IncomingMessage, response: ServerResponse, next: () => void) => void;

type Transform = (data: unknown) => Observable<unknown>;

/** The commands of the one gateway: where each is among the handlers of any connection. */
class Commands {
  readonly #byName: ReadonlyMap<string, { place: number; isAckHandledManually: boolean }>;

  constructor(
    handlers: readonly MessageMappingProperties[],
    readonly transform: Transform,
  ) {
    this.#byName = new Map(
      handlers.map(({ message, isAckHandledManually }, place) => [message, { place, isAckHandledManually }]),
    );
  }

  find(name: string): { place: number; isAckHandledManually: boolean } | undefined {
    return this.#byName.get(name);
  }
}

/** socket.io, set up for many long connections. */
export class TidingsIoAdapter extends IoAdapter {
  #commands: Commands | undefined;

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
    // engine.io's own one is for CORS. What answers an upgrade is no page, and needs nothing of the kind.
    const [cors] = (server.engine as unknown as { middlewares: Middleware[] }).middlewares.splice(0);
    server.engine.use((request: IncomingMessage, response: ServerResponse, next: () => void) => {
      if (request.headers.upgrade !== undefined) {
        forgetEnd(response);
        return next();
      }
      this.guards.secure(request, response);
      cors!(request, response, next);
    });
    writeTogether(server);
    // Once everybody has begun to listen to it.
    server.on('connection', (socket) => queueMicrotask(() => lighten(socket)));
    return server;
  }

  /**
   * As Nest does it, with one listener for all commands of a connection, behind every other
   * middleware, in place of a pipeline of RxJS that waits for each command on each connection,
   * which was half of the memory of a connection. Of the handlers each connection keeps what
   * is its own: that they are bound to it.
   */
  override bindMessageHandlers(socket: Socket, handlers: MessageMappingProperties[], transform: Transform): void {
    const commands = (this.#commands ??= new Commands(handlers, transform));
    const callbacks = handlers.map(({ callback }) => callback);
    socket.use(([name, ...args], next) => {
      next();
      const command = commands.find(name);
      if (!command || !socket.connected) return;
      const { data, ack } = this.mapPayload(args.length > 1 ? args : args[0]);
      defer(() => commands.transform(callbacks[command.place]!(data, ack))).subscribe({
        next: (response) => {
          if (response === undefined || response === null) return;
          const { event, data: said } = response as Partial<WsResponse>;
          if (event) socket.emit(event, said);
          else if (!command.isAckHandledManually) ack?.(response);
        },
        error: (error: unknown) => this.logger.error(error),
      });
    });
  }

  protected get options(): Partial<ServerOptions> {
    const origins = allowedOrigins(this.config);
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
      cors: { origin: originOfCors(origins), credentials: false },
      // Browsers do not apply CORS to websockets.
      allowRequest: (request: IncomingMessage, allow: Allow) => {
        if (isAllowed(request, origins)) void this.admit(request, allow);
        else allow(null, false);
      },
    };
  }

  /** Counts a connection of an address; what is said on it later, by polling too, is counted by user. */
  private async admit(request: IncomingMessage, allow: Allow): Promise<void> {
    const waitSeconds = await this.guards.addresses.consumeRaw(request);
    if (waitSeconds === undefined) allow(null, true);
    else allow(`Too many connections from one address; wait ${waitSeconds} s`, false);
  }
}

/**
 * engine.io's answer to an upgrade tells middleware, which nobody has here, when the connection
 * ends: it has just begun to listen to that, and would keep the request for as long.
 */
function forgetEnd({ socket }: ServerResponse): void {
  const listener = socket?.listeners('close').at(-1) as (() => void) | undefined;
  if (listener) socket!.off('close', listener);
}

/** Programs send no origin; pages must be of the same host or listed. */
function isAllowed({ headers }: IncomingMessage, origins: readonly string[]): boolean {
  if (headers.origin === undefined || origins.includes('*') || origins.includes(headers.origin)) return true;
  return URL.parse(headers.origin)?.host === headers.host;
}
