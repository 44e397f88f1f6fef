import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { atEndOfFile } from './cleanup.ts';
import { endOfReply, isPushedMessage } from './redis-protocol.ts';

/** What becomes of a message that Redis pushes to a subscriber: nothing, itself, or several. */
export type Meddle = (message: Buffer) => readonly Buffer[];

/** A network that fails on demand, between whoever connects to `url` and the target. */
export class FaultyProxy {
  /** How many connections were opened so far. */
  opened = 0;
  /** Asked for every published message on its way from Redis to a subscriber. */
  meddle: Meddle | undefined;
  readonly #open = new Set<Socket>();
  #refuses = false;
  #hangs = false;

  private constructor(
    private readonly server: Server,
    private readonly target: URL,
  ) {
    server.on('connection', (client) => this.pass(client));
  }

  /** @param target URL of what stands behind it */
  static async start(target: string): Promise<FaultyProxy> {
    const server = createServer();
    const proxy = new FaultyProxy(server, new URL(target));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    atEndOfFile(async () => proxy.close());
    return proxy;
  }

  /** Where to connect, with the scheme and path of the target. */
  get url(): string {
    const url = new URL(this.target);
    url.hostname = '127.0.0.1';
    url.port = String((this.server.address() as AddressInfo).port);
    return url.href.replace(/\/$/, '');
  }

  /** Ends all connections, and takes none until {@link heal}. */
  cut(): void {
    this.#refuses = true;
    this.endAll();
  }

  /** Ends all connections; they may come back at once. */
  endAll(): void {
    for (const socket of this.#open) socket.destroy();
  }

  /** Carries nothing any more, without a word, until {@link heal}: a black hole. */
  hang(): void {
    this.#hangs = true;
    for (const socket of this.#open) socket.pause();
  }

  /** Works again; what hung goes on. */
  heal(): void {
    this.#refuses = false;
    this.#hangs = false;
    for (const socket of this.#open) socket.resume();
  }

  private close(): void {
    this.endAll();
    this.server.close();
  }

  private pass(client: Socket): void {
    if (this.#refuses) return void client.destroy();
    this.opened += 1;
    const target = connect(Number(this.target.port), this.target.hostname);
    const fromTarget = this.target.protocol === 'redis:' ? this.meddler(client) : (data: Buffer) => client.write(data);
    this.carry(client, target, (data) => target.write(data));
    this.carry(target, client, fromTarget);
    if (this.#hangs) for (const socket of [client, target]) socket.pause();
  }

  private carry(from: Socket, to: Socket, onData: (data: Buffer) => void): void {
    this.#open.add(from);
    from.setNoDelay(true);
    from.on('data', onData);
    from.on('error', () => undefined);
    from.once('close', () => {
      this.#open.delete(from);
      to.destroy();
    });
  }

  /** Cuts what Redis says into replies, and lets the test have those that carry a message. */
  private meddler(client: Socket): (data: Buffer) => void {
    let rest = Buffer.alloc(0);
    return (data) => {
      rest = Buffer.concat([rest, data]);
      for (let end = endOfReply(rest); end > 0; end = endOfReply(rest)) {
        const reply = rest.subarray(0, end);
        rest = rest.subarray(end);
        const passed = this.meddle && isPushedMessage(reply) ? this.meddle(reply) : [reply];
        for (const part of passed) if (client.writable) client.write(part);
      }
    };
  }
}
