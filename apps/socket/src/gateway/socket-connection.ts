import { once, type EventEmitter } from 'node:events';
import type { Socket } from 'socket.io';
import type { Identity } from '#auth';
import { eventNameOf, replayedTextOf, type Envelope } from '#contracts';
import { Connection, FAREWELL_MS, type DirectMessages } from '../connections/connection.ts';

/** What engine.io has not handed to its transport yet. */
interface WithBuffer {
  writeBuffer: readonly { data?: unknown }[];
}

/** What engine.io keeps of a websocket; other transports have none. */
interface WithWebSocket {
  socket?: EventEmitter & { terminate?: () => void; bufferedAmount?: number };
}

/**
 * The type of a packet that is an event. socket.io's own encoder first looks for something binary
 * in all of it, recursively.
 *
 * @see https://socket.io/docs/v4/socket-io-protocol/
 */
const EVENT = '2';

/** A socket.io client. */
export class SocketConnection extends Connection {
  constructor(
    private readonly socket: Socket,
    identity: Identity | null,
  ) {
    super(identity);
  }

  get id(): string {
    return this.socket.id;
  }

  get isOpen(): boolean {
    return this.socket.connected;
  }

  send<Name extends keyof DirectMessages>(name: Name, message: DirectMessages[Name]): void {
    this.write(name, JSON.stringify(message));
  }

  replay(event: Envelope): void {
    this.write(eventNameOf(event.type), replayedTextOf(event));
  }

  private write(name: string, text: string): void {
    // Who has left may have come back on the same connection, as somebody else.
    if (this.isOpen) this.socket.conn.write(`${EVENT}["${name}",${text}]`);
  }

  enter(channel: string): void {
    void this.socket.join(channel);
  }

  leave(channel: string): void {
    void this.socket.leave(channel);
  }

  get waiting(): { messages: number; bytes: number } {
    const { conn } = this.socket;
    const { writeBuffer } = conn as unknown as WithBuffer;
    let bytes = (conn.transport as WithWebSocket).socket?.bufferedAmount ?? 0;
    for (const { data } of writeBuffer) if (typeof data === 'string') bytes += data.length;
    return { messages: writeBuffer.length, bytes };
  }

  async drained(): Promise<void> {
    const left = new AbortController();
    const { conn } = this.socket;
    await Promise.race([
      // What is written was taken; or what waited is written, by another transport perhaps.
      once(conn.transport as unknown as EventEmitter, 'drain', { signal: left.signal }),
      once(conn, 'drain', { signal: left.signal }),
      once(conn, 'close', { signal: left.signal }),
    ]).catch(() => undefined);
    left.abort();
  }

  /**
   * A disconnect packet would tell socket.io clients to stay away, so the transport is
   * closed, after what is written has left.
   */
  protected close(atOnce: boolean): void {
    const { conn } = this.socket;
    const { socket: webSocket } = conn.transport as WithWebSocket;
    const terminate = (): void => {
      webSocket?.terminate?.();
      conn.close(true);
    };
    if (atOnce) return terminate();
    setImmediate(() => conn.close());
    const late = setTimeout(terminate, FAREWELL_MS).unref();
    // For engine.io it is closed at once; ws waits half a minute for a client that does not answer.
    (webSocket ?? (conn as EventEmitter)).once('close', () => clearTimeout(late));
  }
}
