import { setTimeout as delay } from 'node:timers/promises';
import { DeployUser, type Wrongs } from './deploy-user.ts';

const TICK_MS = 20;

export interface LoadOptions {
  /** URLs of the balancers. */
  api: string;
  socket: string;
  users: number;
  actionsPerSecond: number;
  tokenOf: (user: string) => string | Promise<string>;
}

/** Users with the SDK, who are connected and submit at a steady rate, whatever becomes of the processes behind. */
export class DeployLoad {
  readonly #users: DeployUser[];
  readonly #actionsPerSecond: number;
  readonly #ending = new AbortController();
  readonly #acts: Promise<void>[] = [];
  #submitting: Promise<void> | undefined;

  private constructor({ api, socket, users, actionsPerSecond, tokenOf }: LoadOptions) {
    this.#actionsPerSecond = actionsPerSecond;
    this.#users = Array.from(
      { length: users },
      (_, index) => new DeployUser({ baseUrl: api, socketUrl: socket, token: () => tokenOf(`user-${index}`) }),
    );
  }

  /** Resolves when all are connected, and submit. */
  static async start(options: LoadOptions): Promise<DeployLoad> {
    const load = new DeployLoad(options);
    await Promise.all(load.#users.map(({ client }) => client.connect()));
    load.#submitting = load.submit();
    return load;
  }

  private async submit(): Promise<void> {
    const startedAt = performance.now();
    for (let sent = 0; !this.#ending.signal.aborted; await delay(TICK_MS)) {
      const due = ((performance.now() - startedAt) * this.#actionsPerSecond) / 1_000;
      for (; sent < due; sent += 1) this.#acts.push(this.#users[sent % this.#users.length]!.act());
    }
  }

  /** How many submits were accepted so far. */
  get accepted(): number {
    return sum(this.#users.map(({ accepted }) => accepted));
  }

  /** Resolves when all that was submitted until now has an outcome, or after a while; submits go on. */
  async calm(withinMs: number): Promise<void> {
    const until = performance.now();
    const deadline = until + withinMs;
    const isCalm = (): boolean => this.latencies(0, until).every((latency) => latency !== Infinity);
    while (!isCalm() && performance.now() < deadline) await delay(500);
  }

  /** No more submits; resolves when every outcome was heard, or after a while. */
  async end(withinMs: number): Promise<void> {
    this.#ending.abort();
    await this.#submitting;
    await Promise.all(this.#acts);
    const deadline = performance.now() + withinMs;
    while (this.#users.some(({ awaited }) => awaited > 0) && performance.now() < deadline) await delay(TICK_MS);
  }

  close(): void {
    this.#ending.abort();
    for (const { client } of this.#users) client.close();
  }

  /** Times from submit to outcome of what was submitted between two moments, in milliseconds. */
  latencies(from: number, to: number): number[] {
    return this.#users.flatMap((user) => user.latencies(from, to));
  }

  judge(): Wrongs {
    const [first, ...others] = this.#users.map((user) => user.judge());
    return others.reduce(
      (all, each) => ({
        lost: all.lost + each.lost,
        doubled: all.doubled + each.doubled,
        reordered: all.reordered + each.reordered,
        foreign: all.foreign + each.foreign,
        unrecovered: all.unrecovered + each.unrecovered,
        refused: all.refused + each.refused,
      }),
      first!,
    );
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
