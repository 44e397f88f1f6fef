import { eventually } from './eventually.ts';

/** The code of the packet "message" of engine.io, and those of socket.io within. */
const CONNECT = '40';
const EVENT = '42';
const ACK = '43';

/** Tests ask thousands of things one after another. */
const POLLING = { everyMs: 2 };

/** A websocket that speaks socket.io by hand, so that it can say what no client would. */
export class RawSocket {
  readonly #socket: WebSocket;
  /** Every packet that came. */
  readonly packets: string[] = [];
  /** The code with which it was closed. */
  closed: number | undefined;

  private constructor(url: string) {
    this.#socket = new WebSocket(`${url.replace(/^http/, 'ws')}/socket.io/?EIO=4&transport=websocket`);
    this.#socket.addEventListener('message', ({ data }) => {
      this.packets.push(String(data));
      // Answers the heartbeat.
      if (data === '2') this.#socket.send('3');
    });
    this.#socket.addEventListener('close', ({ code }) => (this.closed = code));
    this.#socket.addEventListener('error', () => undefined);
  }

  /** Opens the transport; nothing is said on socket.io yet. */
  static async open(url: string): Promise<RawSocket> {
    const raw = new RawSocket(url);
    await eventually(() => {
      if (!raw.packets[0]?.startsWith('0')) throw new Error('the transport was not opened');
    });
    return raw;
  }

  /** Connects to the namespace; `auth` is JSON, or meant to be. */
  static async connect(url: string, auth: string): Promise<RawSocket> {
    const raw = await RawSocket.open(url);
    raw.send(`${CONNECT}${auth}`);
    return raw;
  }

  send(packet: string | Uint8Array<ArrayBuffer>): void {
    this.#socket.send(packet);
  }

  /** Waits for an event of this name, and gives what it carries. */
  event(name: string): Promise<unknown> {
    return this.packet(`${EVENT}["${name}",`, (text) => (JSON.parse(text.slice(EVENT.length)) as unknown[])[1]);
  }

  /** Waits for the ack of an event that was sent with this id: `42<id>[…]`. */
  ack(id: number): Promise<unknown> {
    return this.packet(`${ACK}${id}[`, (text) => (JSON.parse(text.slice(`${ACK}${id}`.length)) as unknown[])[0]);
  }

  /** Waits until the server has closed the connection, and gives the code. */
  end(): Promise<number> {
    return eventually(() => {
      if (this.closed === undefined) throw new Error(`it was not closed; ${this.packets.join(' ')}`);
      return this.closed;
    });
  }

  close(): void {
    this.#socket.close();
  }

  private packet<Result>(prefix: string, read: (text: string) => Result): Promise<Result> {
    return eventually(() => {
      const found = this.packets.find((text) => text.startsWith(prefix));
      if (found === undefined) throw new Error(`no packet ${prefix}… came, but ${this.packets.join(' ') || 'none'}`);
      return read(found);
    }, POLLING);
  }
}
