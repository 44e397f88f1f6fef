import { connect, type Socket } from 'node:net';

const TEXT = 0x81;
const EXTENDED_16 = 126;

export interface RawSocketOptions {
  url: string;
  token: string;
  protocol: 'socket.io' | 'ws';
  /** Takes every message; as Latin-1, which ids and ASCII survive, because decoding costs. */
  onMessage: (message: string) => void;
  onClose?: () => void;
}

/**
 * A websocket client, bare or with what of engine.io and socket.io a client must say. It costs
 * a fraction of a real one: thousands share the machine with what is measured.
 */
export class RawSocket {
  readonly #socket: Socket;
  readonly #options: RawSocketOptions;
  #rest: Buffer = Buffer.alloc(0);
  #isUpgraded = false;

  constructor(options: RawSocketOptions) {
    this.#options = options;
    const { url, protocol, token, onClose } = options;
    const { hostname, port, host } = new URL(url);
    const path = protocol === 'socket.io' ? '/socket.io/?EIO=4&transport=websocket' : `/?token=${token}`;
    this.#socket = connect(Number(port), hostname);
    this.#socket.setNoDelay(true);
    this.#socket.write(
      `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    );
    this.#socket.on('data', (data) => this.read(data));
    this.#socket.on('error', () => undefined);
    this.#socket.once('close', () => onClose?.());
  }

  close(): void {
    this.#socket.destroy();
  }

  private read(data: Buffer): void {
    this.#rest = this.#rest.length === 0 ? data : Buffer.concat([this.#rest, data]);
    if (!this.#isUpgraded) {
      const end = this.#rest.indexOf('\r\n\r\n');
      if (end < 0) return;
      this.#isUpgraded = true;
      this.#rest = this.#rest.subarray(end + 4);
    }
    for (let message = this.next(); message !== undefined; message = this.next()) this.take(message);
  }

  /** The next frame that has come whole (RFC 6455, 5.2; servers do not mask). */
  private next(): string | undefined {
    const rest = this.#rest;
    if (rest.length < 2) return undefined;
    const short = rest[1]!;
    const start = short < EXTENDED_16 ? 2 : short === EXTENDED_16 ? 4 : 10;
    if (rest.length < start) return undefined;
    const length =
      short < EXTENDED_16 ? short : short === EXTENDED_16 ? rest.readUInt16BE(2) : Number(rest.readBigUInt64BE(2));
    if (rest.length < start + length) return undefined;
    this.#rest = rest.subarray(start + length);
    return rest.toString('latin1', start, start + length);
  }

  private take(message: string): void {
    if (this.#options.protocol === 'ws' || message.startsWith('4')) this.#options.onMessage(message);
    else if (message.startsWith('0')) this.send(`40${JSON.stringify({ token: this.#options.token })}`);
    else if (message === '2') this.send('3');
  }

  /** One frame; clients mask, here with zeros, which change nothing. */
  private send(message: string): void {
    const payload = Buffer.from(message);
    const { length } = payload;
    const head =
      length < EXTENDED_16
        ? [TEXT, 0x80 | length, 0, 0, 0, 0]
        : [TEXT, 0x80 | EXTENDED_16, length >> 8, length & 0xff, 0, 0, 0, 0];
    this.#socket.write(Buffer.concat([Buffer.from(head), payload]));
  }
}
