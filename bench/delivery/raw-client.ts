import { connect, type Socket } from 'node:net';
import type { Session } from '#contracts';

const TEXT = 0x81;
/** The pauses of socket.io's client, unless they are set: these, and half as much more or less. */
const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 5_000;

/**
 * A socket.io client that costs next to nothing: thousands of them share the machine with the
 * gateway that is measured. It reconnects by the rules of socket.io's own client.
 */
export class RawClient {
  /** Of the events that it heard, as they came. */
  readonly offsets: number[] = [];
  readonly sessions: Session[] = [];
  /** When it last tried to connect, and when it last heard an event, as `performance.now()`. */
  openedAt = 0;
  heardAt = 0;
  #socket: Socket | undefined;
  #rest = Buffer.alloc(0);
  #failures = 0;
  #isClosed = false;

  /** Where it connects; to be set before a reconnect that goes elsewhere. */
  url: string;
  readonly #token: string;
  readonly #firstRetryMs: number;

  constructor(url: string, token: string, firstRetryMs = FIRST_RETRY_MS) {
    this.url = url;
    this.#token = token;
    this.#firstRetryMs = firstRetryMs;
  }

  /** Resolves with the first session. */
  async connect(): Promise<this> {
    await new Promise<void>((resolve) => this.open(resolve));
    return this;
  }

  close(): void {
    this.#isClosed = true;
    this.#socket?.destroy();
  }

  private open(onSession?: () => void): void {
    const { hostname, port, host } = new URL(this.url);
    this.#rest = Buffer.alloc(0);
    this.openedAt = performance.now();
    let isUpgraded = false;
    const socket = connect(Number(port), hostname);
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.write(
      `GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\n` +
        'Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    );
    socket.on('data', (data) => {
      this.#rest = this.#rest.length === 0 ? data : Buffer.concat([this.#rest, data]);
      if (!isUpgraded) {
        const end = this.#rest.indexOf('\r\n\r\n');
        if (end < 0) return;
        isUpgraded = true;
        this.#rest = this.#rest.subarray(end + 4);
      }
      for (let packet = this.packet(); packet !== undefined; packet = this.packet()) this.take(packet, onSession);
    });
    socket.on('error', () => undefined);
    socket.once('close', () => this.retry(onSession));
  }

  private retry(onSession?: () => void): void {
    if (this.#isClosed) return;
    const wait = Math.min(this.#firstRetryMs * 2 ** this.#failures, LONGEST_RETRY_MS);
    this.#failures += 1;
    setTimeout(() => this.open(onSession), wait * (0.5 + Math.random()));
  }

  /** The next frame that has come whole (RFC 6455, 5.2; servers do not mask). */
  private packet(): string | undefined {
    const rest = this.#rest;
    if (rest.length < 2) return undefined;
    const short = rest[1]!;
    const start = short < 126 ? 2 : short === 126 ? 4 : 10;
    if (rest.length < start) return undefined;
    const length = short < 126 ? short : short === 126 ? rest.readUInt16BE(2) : Number(rest.readBigUInt64BE(2));
    if (rest.length < start + length) return undefined;
    this.#rest = rest.subarray(start + length);
    return rest.toString('latin1', start, start + length);
  }

  private take(packet: string, onSession?: () => void): void {
    if (packet.startsWith('42["event"')) {
      this.offsets.push(Number(/"offset":(\d+)/.exec(packet)?.[1]));
      this.heardAt = performance.now();
    } else if (packet.startsWith('42["session"')) {
      this.sessions.push((JSON.parse(packet.slice(2)) as [string, Session])[1]);
      this.#failures = 0;
      onSession?.();
    } else if (packet.startsWith('0')) {
      const cursors = this.sessions[0]?.cursors;
      this.send(`40${JSON.stringify({ token: this.#token, ...(cursors && { cursors }) })}`);
    } else if (packet === '2') {
      this.send('3');
    }
  }

  /** One frame; clients mask, here with zeros, which change nothing. */
  private send(packet: string): void {
    const payload = Buffer.from(packet);
    const head =
      payload.length < 126
        ? Buffer.from([TEXT, 0x80 | payload.length, 0, 0, 0, 0])
        : Buffer.from([TEXT, 0x80 | 126, payload.length >> 8, payload.length & 0xff, 0, 0, 0, 0]);
    this.#socket?.write(Buffer.concat([head, payload]));
  }
}
