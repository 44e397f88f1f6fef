import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { atEndOfFile } from './cleanup.ts';
import { FaultyStream, type Weather } from './faulty-stream.ts';
import { endOfReply, isPushedMessage } from './redis-protocol.ts';

/** What becomes of a message that Redis pushes to a subscriber: nothing, itself, or several. */
export type Meddle = (message: Buffer) => readonly Buffer[];

/** What became of what was to be carried, so far. */
export interface ProxyCounts {
  /** Connections that were taken. */
  opened: number;
  /** Connections that were not taken. */
  refused: number;
  /** Connections that were broken. */
  ended: number;
  /** Bytes that arrived at the target in time. */
  carried: number;
  /** Bytes that vanished. */
  swallowed: number;
  /** Bytes that were late. */
  delayed: number;
}

/** A network that fails on demand, between whoever connects to `url` and the target. */
export class FaultyProxy {
  readonly counts: ProxyCounts = { opened: 0, refused: 0, ended: 0, carried: 0, swallowed: 0, delayed: 0 };
  /** Asked for every published message on its way from Redis to a subscriber. */
  meddle: Meddle | undefined;
  readonly #server: Server;
  readonly #target: URL;
  readonly #open = new Set<Socket>();
  /** Those of which bytes have vanished: they can't go on. */
  readonly #broken = new Set<Socket>();
  readonly #weather: Weather = { delayMs: 0, swallows: false };
  #refuses = false;
  #hangs = false;

  private constructor(server: Server, target: URL) {
    this.#server = server;
    this.#target = target;
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

  /** How many connections were opened so far. */
  get opened(): number {
    return this.counts.opened;
  }

  /** Where to connect, with the scheme and path of the target. */
  get url(): string {
    const url = new URL(this.#target);
    url.hostname = '127.0.0.1';
    url.port = String((this.#server.address() as AddressInfo).port);
    return url.href.replace(/\/$/, '');
  }

  /** Ends all connections, and takes none until {@link heal}. */
  cut(): void {
    this.#refuses = true;
    this.endAll();
  }

  /** Ends all connections; they may come back at once. */
  endAll(): void {
    this.counts.ended += this.#open.size / 2;
    for (const socket of this.#open) socket.destroy();
  }

  /** Carries nothing any more, without a word, until {@link heal}: then it goes on with what waited. */
  hang(): void {
    this.#hangs = true;
    for (const socket of this.#open) socket.pause();
  }

  /** Takes all and carries nothing, without a word: a black hole. {@link heal} ends the connections that lost something. */
  swallow(): void {
    this.#weather.swallows = true;
  }

  /** Carries everything later, in both directions. */
  slow(delayMs: number): void {
    this.#weather.delayMs = delayMs;
  }

  /** Works again; what hung goes on. */
  heal(): void {
    this.#refuses = false;
    this.#hangs = false;
    this.#weather.delayMs = 0;
    this.#weather.swallows = false;
    for (const socket of this.#broken) socket.destroy();
    this.#broken.clear();
    for (const socket of this.#open) socket.resume();
  }

  private close(): void {
    this.endAll();
    this.#server.close();
  }

  private pass(client: Socket): void {
    if (this.#refuses) {
      this.counts.refused += 1;
      client.destroy();
      return;
    }
    this.counts.opened += 1;
    const target = connect(Number(this.#target.port), this.#target.hostname);
    const [there, back] = [new FaultyStream(target, this.#weather), new FaultyStream(client, this.#weather)];
    const fromTarget = this.#target.protocol === 'redis:' ? this.meddler(back) : (data: Buffer) => back.write(data);
    this.carry(client, target, there, (data) => there.write(data));
    this.carry(target, client, back, fromTarget);
    if (this.#hangs) for (const socket of [client, target]) socket.pause();
  }

  private carry(from: Socket, to: Socket, stream: FaultyStream, onData: (data: Buffer) => void): void {
    this.#open.add(from);
    from.setNoDelay(true);
    from.on('data', (data: Buffer) => {
      if (this.#weather.swallows || this.#broken.has(from)) {
        this.counts.swallowed += data.length;
        this.#broken.add(from).add(to);
        return;
      }
      this.counts[this.#weather.delayMs > 0 ? 'delayed' : 'carried'] += data.length;
      onData(data);
    });
    from.on('error', () => undefined);
    from.once('close', () => {
      this.#open.delete(from);
      this.#broken.delete(from);
      stream.end();
      // In a black hole nobody hears of it.
      if (this.#weather.swallows && !to.destroyed) this.#broken.add(to);
      else to.destroy();
    });
  }

  /** Cuts what Redis says into replies, and lets the test have those that carry a message. */
  private meddler(client: FaultyStream): (data: Buffer) => void {
    let rest: Buffer = Buffer.alloc(0);
    return (data) => {
      rest = rest.length === 0 ? data : Buffer.concat([rest, data]);
      const passing: Buffer[] = [];
      for (let end = endOfReply(rest); end > 0; end = endOfReply(rest)) {
        const reply = rest.subarray(0, end);
        rest = rest.subarray(end);
        const passed = this.meddle && isPushedMessage(reply) ? this.meddle(reply) : [reply];
        passing.push(...passed);
      }
      if (passing.length > 0) client.write(passing.length === 1 ? passing[0]! : Buffer.concat(passing));
    };
  }
}
