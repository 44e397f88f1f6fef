import type { EventEmitter } from 'node:events';
import type { IncomingHttpHeaders } from 'node:http';
import type { Socket } from 'socket.io';

type Listener = ((...args: unknown[]) => void) & { listener?: Listener };

/** Where an emitter of Node has its listeners. */
interface Emitter extends EventEmitter {
  _events: Record<PropertyKey, Listener | Listener[] | undefined>;
}

/** What ws keeps of a websocket. */
interface WebSocket extends Emitter {
  _receiver?: { _state: number; _mask: Buffer | undefined };
}

/** What engine.io keeps of a connection. */
interface EngineConnection extends Emitter {
  request: Pick<typeof FORGOTTEN, 'headers'>;
  cleanupFn: unknown[];
  /** Those other than websockets have no `socket`. */
  transport: Emitter & { socket?: WebSocket };
}

/** What socket.io keeps of a client; `fns` are asked before a message of it is heard. */
interface Client extends Emitter {
  conn: EngineConnection;
  fns: unknown[];
}

/** What handshakes are made of, for all connections of which nothing more has to be known. */
const FORGOTTEN = {
  url: '/socket.io/',
  headers: {} as Pick<IncomingHttpHeaders, 'authorization'>,
  _query: {},
  connection: {},
};

/** The state of a receiver between two frames. */
const BETWEEN_FRAMES = 0;

/**
 * Listeners by event, without a prototype, as in Node. But Node's own are hash tables, of 0.25 KB
 * each; of these all that have the same events share one shape.
 */
const Listeners = function (): void {} as unknown as new () => Emitter['_events'];
Listeners.prototype = Object.create(null) as object;

/** What happens once needs nobody who sees to that. */
const ENDS = new Set<PropertyKey>(['close', 'error', 'disconnect']);

/**
 * Takes from a connection that has begun what it has no use for while it waits, which is what most
 * connections do most of the time. To be called when all listen to it that will.
 *
 * @see https://socket.io/docs/v4/memory-usage/
 */
export function lighten(socket: Socket): void {
  const client = socket as unknown as Client;
  const { conn } = client;
  const webSocket = conn.transport.socket;
  forgetRequest(conn);
  if (webSocket) forgetUpgrade(conn.transport, webSocket);
  // In place of one that left before on the same connection.
  else conn.removeAllListeners('upgrade').once('upgrade', () => queueMicrotask(() => lighten(socket)));
  conn.cleanupFn = fitting(conn.cleanupFn);
  client.fns = fitting(client.fns);
  for (const emitter of [client, conn, conn.transport, webSocket]) if (emitter) compact(emitter);
}

/**
 * Of the request that opened a connection only the token is kept, if it came as a header: of it
 * a handshake is made once more when a client leaves and comes back on the same connection.
 */
function forgetRequest(conn: EngineConnection): void {
  const { authorization } = conn.request.headers;
  conn.request = authorization === undefined ? FORGOTTEN : { ...FORGOTTEN, headers: { authorization } };
}

/** What was there for the upgrade, and the mask of the frame that was read last. */
function forgetUpgrade(transport: Emitter, webSocket: WebSocket): void {
  const { _receiver: receiver } = webSocket;
  transport.removeAllListeners('headers');
  for (const listener of webSocket.listeners('error') as Listener[]) {
    if (listener.name === 'onUpgradeError') webSocket.removeListener('error', listener);
  }
  if (receiver?._state === BETWEEN_FRAMES) receiver._mask = undefined;
}

function compact(emitter: Emitter): void {
  const listeners = new Listeners();
  for (const event of Reflect.ownKeys(emitter._events)) {
    const value = emitter._events[event];
    listeners[event] = ENDS.has(event) && typeof value === 'function' ? (value.listener ?? value) : value;
  }
  emitter._events = listeners;
}

/** An array that has grown has room for 17. */
function fitting<Item>(array: readonly Item[]): Item[] {
  return array.slice();
}
