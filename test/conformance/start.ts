/**
 * `npm run start:conformance`: what the public test suites of the socket.io protocol (v5) and
 * the engine.io protocol (v4) are run against. socket.io is made by the adapter of the socket
 * app, with the intervals, the namespaces and the echoes that the suites ask for. PORT is 3000
 * unless it is set.
 */
import { createServer } from 'node:http';
import { join } from 'node:path';
import type { Server, ServerOptions, Socket } from 'socket.io';
import { build } from '../../infra/local/build.ts';
import { ROOT } from '../../infra/local/run-tool.ts';

/**
 * The app, too, looks into the ledger before it says anything. In milliseconds: messages of one
 * moment are one write, and the suites miss the second of two that they receive at once.
 */
const AFTER_CONNECT_MS = 20;

type Adapter = typeof import('../../apps/socket/src/gateway/io.adapter.ts');

interface EngineSocket {
  on: (event: 'message', listener: (data: string | Buffer) => void) => void;
  send: (data: string | Buffer) => void;
}

await build();
const { TidingsIoAdapter } = (await import(join(ROOT, 'dist/apps/socket/src/gateway/io.adapter.js'))) as Adapter;

class ConformanceIoAdapter extends TidingsIoAdapter {
  path = '/socket.io';

  protected override get options(): Partial<ServerOptions> {
    return {
      ...super.options,
      path: this.path,
      pingInterval: 300,
      pingTimeout: 200,
      connectTimeout: 1_000,
      maxHttpBufferSize: 1_000_000,
    };
  }
}

const http = createServer((_request, response) => void response.writeHead(404).end());
const adapter = new ConformanceIoAdapter(
  http,
  { ALLOWED_ORIGINS: '*', CONNECT_TIMEOUT_MS: 1_000 },
  { addresses: { consumeRaw: () => Promise.resolve(undefined) }, secure: () => undefined },
);
echoEvents(adapter.createIOServer(0));
adapter.path = '/engine.io';
echoMessages(adapter.createIOServer(0));
http.listen(Number(process.env['PORT'] || 3000), () => console.log('ready'));

function echoEvents(server: Server): void {
  const sayAuth = (socket: Socket): unknown =>
    setTimeout(() => socket.emit('auth', socket.handshake.auth), AFTER_CONNECT_MS);
  server.of('/custom').on('connection', sayAuth);
  server.on('connection', (socket) => {
    sayAuth(socket);
    socket.on('message', (...args: unknown[]) => socket.emit('message-back', ...args));
    socket.on('message-with-ack', (...args: unknown[]) => {
      const ack = args.pop() as (...answers: unknown[]) => void;
      ack(...args);
    });
  });
}

/** Below socket.io, which therefore hears nothing of these connections. */
function echoMessages({ engine }: Server): void {
  const events = engine as NodeJS.EventEmitter;
  const [socketIo] = events.listeners('connection') as [(...args: unknown[]) => void];
  events.off('connection', socketIo);
  events.on('connection', (socket: EngineSocket) => socket.on('message', (data) => socket.send(data)));
}
