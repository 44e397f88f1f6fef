import { createHmac } from 'node:crypto';
import type { Target } from './protocol.ts';
import { RawSocket } from './raw-socket.ts';

/** Connected at once. */
const CHUNK = 100;

const TOKEN_SECONDS = 24 * 3_600;

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

/** An HS256 token (RFC 7519) that all systems accept. */
function tokenOf(sub: string, secret: string): string {
  const now = Math.floor(Date.now() / 1_000);
  const claims = {
    sub,
    scope: 'announce',
    iss: 'tidings',
    aud: 'tidings',
    iat: now,
    exp: now + TOKEN_SECONDS,
  };
  const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url');
  const signed = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(claims)}`;
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}
