import type { EventEmitter } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { Socket as NetworkSocket } from 'node:net';
import type { Server } from 'socket.io';
import { joinFrames, type Packet, type PacketCoding } from './joined-frames.ts';

/** What engine.io keeps of a client. */
interface EngineSocket {
  readyState: string;
  transport: PacketCoding & { name: string };
  flush: () => void;
}

/**
 * What is said to a client in one moment, such as a replay, is one write to the network, and
 * not one a message: writing is what a gateway does most.
 */
export function writeTogether(server: Server): void {
  const engine = server.engine as EventEmitter;
  const due = new Set<EngineSocket>();
  const corked: NetworkSocket[] = [];
  let isScheduled = false;

  function flushAll(): void {
    isScheduled = false;
    for (const socket of due) {
      due.delete(socket);
      flushNow(socket);
    }
    for (const socket of corked.splice(0)) socket.uncork();
  }

  function schedule(): void {
    if (isScheduled) return;
    isScheduled = true;
    // When all promises have settled that are settling now.
    queueMicrotask(() => process.nextTick(flushAll));
  }

  /** One for all: it takes the place of the method. */
  function flushSoon(this: EngineSocket): void {
    // Whatever transport it has come to is closed next, and nothing more is said.
    if (this.readyState === 'closing') return flushNow(this);
    due.add(this);
    schedule();
  }

  engine.on('connection', (socket: EngineSocket) => (socket.flush = flushSoon));
  engine.on('flush', ({ transport }: EngineSocket, packets: Packet[]) => {
    if (packets.length > 1 && transport.name === 'websocket') joinFrames(packets, transport);
  });
  // The answer to an upgrade goes together with the first message.
  engine.on('initial_headers', (_: object, { socket, headers }: IncomingMessage) => {
    if (headers.upgrade === undefined) return;
    socket.cork();
    corked.push(socket);
    schedule();
  });
}

/** As engine.io does it. */
function flushNow(socket: EngineSocket): void {
  (Object.getPrototypeOf(socket) as EngineSocket).flush.call(socket);
}
