import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/**
 * Stands in front of several instances, as the balancer of an installation does: each
 * connection goes to the instance that has the fewest, and to another one when that does not answer.
 */
export class Balancer {
  readonly #targets: Iterable<{ url: string }>;
  readonly #server = createServer((client) => this.accept(client));
  readonly #sockets = new Set<Socket>();
  /** How many connections each instance has, and had so far. */
  readonly #counts = new Map<string, { open: number; given: number }>();

  /** @param targets looked at for every connection: instances may come and go */
  constructor(targets: Iterable<{ url: string }>) {
    this.#targets = targets;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async start(): Promise<this> {
    this.#server.listen(0, '127.0.0.1', 4_096);
    await once(this.#server, 'listening');
    return this;
  }

  stop(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }

  private countsOf(url: string): { open: number; given: number } {
    const counts = this.#counts.get(url) ?? { open: 0, given: 0 };
    this.#counts.set(url, counts);
    return counts;
  }

  private accept(client: Socket): void {
    this.track(client);
    const urls = [...this.#targets].map(({ url }) => url);
    const order = urls.toSorted((a, b) => {
      const [of, than] = [this.countsOf(a), this.countsOf(b)];
      return of.open - than.open || of.given - than.given;
    });
    this.tryNext(client, order);
  }

  private tryNext(client: Socket, [url, ...others]: string[]): void {
    if (url === undefined) return void client.destroy();
    const counts = this.countsOf(url);
    const target = connect(Number(new URL(url).port), '127.0.0.1');
    this.track(target);
    counts.open += 1;
    target.once('close', () => (counts.open -= 1));
    const next = (): void => this.tryNext(client, others);
    target.once('error', next);
    target.once('connect', () => {
      counts.given += 1;
      target.removeListener('error', next);
      client.pipe(target).pipe(client);
      client.once('close', () => target.destroy());
      target.once('close', () => client.destroy());
    });
  }

  private track(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => this.#sockets.delete(socket));
  }
}
