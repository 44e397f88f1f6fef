import type { Socket } from 'node:net';

/** What a direction of a faulty connection is asked to do with the bytes that come. */
export interface Weather {
  /** How much later they arrive, in milliseconds. */
  delayMs: number;
  /** They vanish. */
  swallows: boolean;
}

/** One direction of a connection: writes what comes, in its order, as late as the weather says. */
export class FaultyStream {
  readonly #to: Socket;
  readonly #weather: Weather;
  readonly #late: { data: Buffer; dueAt: number }[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(to: Socket, weather: Weather) {
    this.#to = to;
    this.#weather = weather;
  }

  write(data: Buffer): void {
    const { delayMs } = this.#weather;
    if (delayMs === 0 && this.#late.length === 0) return this.deliver(data);
    this.#late.push({ data, dueAt: performance.now() + delayMs });
    this.#timer ??= setTimeout(() => this.flush(), delayMs);
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#late.length = 0;
  }

  private flush(): void {
    this.#timer = undefined;
    const now = performance.now();
    while (this.#late[0] && this.#late[0].dueAt <= now + 1) this.deliver(this.#late.shift()!.data);
    if (this.#late[0]) this.#timer = setTimeout(() => this.flush(), this.#late[0].dueAt - now);
  }

  private deliver(data: Buffer): void {
    if (this.#to.writable) this.#to.write(data);
  }
}
