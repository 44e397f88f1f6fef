import type { Target } from './protocol.ts';
import { RawSocket } from './raw-socket.ts';
import { tokenOf } from './token.ts';

/** Connected at once. */
const CHUNK = 100;

export interface User {
  name: string;
  authorization: string;
}

/** The users of a run, one socket each. */
export class Clients {
  readonly users: readonly User[];
  readonly #sockets: RawSocket[] = [];
  readonly #target: Target;
  readonly #hear: (message: string) => void;

  constructor(target: Target, count: number, prefix: string, hear: (message: string) => void) {
    this.#target = target;
    this.#hear = hear;
    this.users = Array.from({ length: count }, (_, index) => {
      const name = `${prefix}${index}`;
      return { name, authorization: `Bearer ${tokenOf(name, target.secret)}` };
    });
  }

  get connected(): number {
    return this.#sockets.length;
  }

  /** Resolves once all hear everything. */
  async connect(): Promise<void> {
    const { sockets, wire } = this.#target;
    if (sockets.length === 0) return;
    for (let start = 0; start < this.users.length; start += CHUNK) {
      const chunk = this.users.slice(start, start + CHUNK);
      await Promise.all(
        chunk.map(
          ({ authorization }, index) =>
            new Promise<void>((resolve, reject) => {
              const token = authorization.slice('Bearer '.length);
              const url = sockets[(start + index) % sockets.length]!;
              const onMessage = (message: string): void => {
                if (message.startsWith(wire.ready)) resolve();
                else this.#hear(message);
              };
              const onClose = (): void => reject(new Error(`${url} closed a connection`));
              this.#sockets.push(new RawSocket({ url, token, protocol: wire.protocol, onMessage, onClose }));
            }),
        ),
      );
    }
  }

  close(): void {
    for (const socket of this.#sockets) socket.close();
    this.#sockets.length = 0;
  }
}
